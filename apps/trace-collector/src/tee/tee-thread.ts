import type { Message } from "../ingest/decode.ts";
import { offer, threadData } from "../store/thread.ts";
import { bodyOf } from "./bodies.ts";
import { Tee, type TeeOptions } from "./tee.ts";

const tee = new Tee(threadData<TeeOptions>());

const methods = {
  take: (message: Message) => tee.send(bodyOf(message)),
  stats: () => tee.stats(),
};

/** What the thread of the tee offers. */
export type TeeMethods = typeof methods;

offer(methods, () => tee[Symbol.asyncDispose]());
