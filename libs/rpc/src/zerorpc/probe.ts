import { setTimeout as sleep } from "node:timers/promises";
import { SafeSocket } from "@zeroplane/link";
import { contextOf, decodeEvent, encodeEvent } from "./event.ts";
import { EventIds } from "./event-id.ts";

/** What a peer speaks. */
export type Dialect = "zp1" | "zerorpc";

const DELIMITER = Buffer.alloc(0);
const CONTEXT = contextOf({}, true);
/** Waits between the questions over one connection; then there is a new one. Five questions at most
 * wait for a server that is not there. */
const WAITS_MS = [100, 200, 400, 800, 1_600];

/**
 * Finds out what listens at `endpoint`, with an ordinary ping of zerorpc that has one more key in
 * its header: only one of ours answers with that key. It asks until somebody answers.
 * @param options `signal` ends it
 * @throws LinkError ERR_LINK_ENDPOINT when that is not an endpoint; the signal's reason
 */
export async function probe(
  endpoint: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Dialect> {
  for (;;) {
    signal?.throwIfAborted();
    const socket = new SafeSocket("dealer");
    try {
      socket.connect(endpoint);
      const dialect = await ask(socket, signal);
      if (dialect !== undefined) return dialect;
    } finally {
      socket.close();
    }
  }
}

async function ask(
  socket: SafeSocket,
  signal: AbortSignal | undefined,
): Promise<Dialect | undefined> {
  const ids = new EventIds();
  const { promise: answered, resolve } = Promise.withResolvers<undefined>();
  const waiting = new AbortController();
  const asked = new Set<string>();
  let dialect: Dialect | undefined;
  void (async () => {
    for await (const frames of socket) {
      const event = decodeEvent(frames.at(-1) ?? DELIMITER);
      if (event?.responseTo === undefined || !asked.has(event.responseTo.key)) continue;
      dialect = event.isOurs ? "zp1" : "zerorpc";
      resolve(undefined);
      return;
    }
  })();
  const stop = (): void => waiting.abort();
  signal?.addEventListener("abort", stop, { once: true });
  void answered.then(stop);
  for (const ms of WAITS_MS) {
    if (waiting.signal.aborted) break;
    const id = ids.next();
    asked.add(Buffer.from(id).toString("latin1"));
    const question = { id, context: CONTEXT, name: "_zerorpc_ping", args: [] };
    socket.send([DELIMITER, encodeEvent(question)]);
    await sleep(ms, undefined, { signal: waiting.signal }).catch(() => undefined);
  }
  signal?.removeEventListener("abort", stop);
  return dialect;
}
