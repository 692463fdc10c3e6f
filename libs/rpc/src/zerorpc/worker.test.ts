import { setTimeout as sleep } from "node:timers/promises";
import { SafeSocket } from "@zeroplane/link";
import { expect, test } from "vitest";
import { decodeEvent, encodeEvent } from "./event.ts";
import { EventIds } from "./event-id.ts";
import { serveWorker } from "./index.ts";

test("a worker goes to a caller that is bound, and answers it", async () => {
  await using caller = new SafeSocket("dealer");
  const endpoint = await caller.bind("tcp://127.0.0.1:*");
  await using worker = serveWorker({ add: (a: number, b: number) => a + b }, { connect: endpoint });
  expect(worker.endpoints).toEqual([endpoint]);
  const id = new EventIds().next();
  const request = encodeEvent({ id, name: "add", args: [20, 22] });
  // Until the worker is there, libzmq has nobody to give it to.
  while (!(await caller.offer([Buffer.alloc(0), request]))) await sleep(10);
  for await (const frames of caller) {
    expect(decodeEvent(frames.at(-1)!)).toMatchObject({ name: "OK", args: [42] });
    break;
  }
});
