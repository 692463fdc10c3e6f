import { SafeSocket } from "@zeroplane/link";
import { describe, expect, test } from "vitest";
import { currentCall } from "../index.ts";
import { decodeEvent } from "./event.ts";
import { vectors } from "./fixtures/vectors.ts";
import { openPublisher, openPusher, pushStats, servePuller, serveSubscriber } from "./index.ts";

class Sink {
  readonly #taken: unknown[] = [];
  record(value: unknown, ..._more: unknown[]): void {
    this.#taken.push(value);
  }
  headers(): void {
    this.#taken.push(currentCall()?.headers);
  }
  fail(): never {
    throw new Error("full");
  }
  taken(): unknown[] {
    return this.#taken;
  }
}

const LOCAL = "tcp://127.0.0.1:*";

describe("pushed events", () => {
  test("are taken by a puller, and what it cannot call is told", async () => {
    const sink = new Sink();
    const errors: string[] = [];
    const onError = (error: unknown, method: string): number =>
      errors.push(`${method}: ${(error as Error).name}`);
    await using puller = await servePuller(sink, {
      bind: LOCAL,
      onError: (e, m) => void onError(e, m),
    });
    await using pusher = openPusher<Sink>(puller.endpoints, { headers: { trace_id: "t" } });
    for (const value of [1, "é", Uint8Array.of(0, 255), null]) pusher.record(value);
    pusher.headers();
    pusher.fail();
    (pusher as unknown as { missing(): void }).missing();
    await expect.poll(() => puller.stats()).toEqual({ handled: 5, failed: 2, invalid: 0 });
    expect(sink.taken()).toEqual([1, "é", Uint8Array.of(0, 255), null, { trace_id: "t" }]);
    expect(errors).toEqual(["fail: Error", "missing: RpcError"]);
    expect(pushStats(pusher)).toEqual({ endpoints: puller.endpoints, sent: 7, dropped: 0 });
    expect(() => pusher.record(new Map())).toThrow(/Map/);
  });

  test("beyond what may wait are dropped and counted", async () => {
    await using pusher = openPusher<Sink>("tcp://127.0.0.1:9", { waitingMax: 10 });
    for (let i = 0; i < 30; i++) pusher.record(i);
    await expect.poll(() => pushStats(pusher).dropped).toBe(20);
  });

  test("reach every subscriber", async () => {
    await using publisher = await openPublisher<Sink>(LOCAL);
    const sinks = [new Sink(), new Sink()];
    const connect = pushStats(publisher).endpoints;
    const [one, two] = sinks;
    await using _one = await serveSubscriber(one!, { connect });
    await using _two = await serveSubscriber(two!, { connect });
    await expect
      .poll(() => {
        publisher.record("x");
        return sinks.every((sink) => sink.taken().length > 0);
      })
      .toBe(true);
    await expect(openPublisher("tcp://0.0.0.0:*")).rejects.toMatchObject({
      code: "ERR_LINK_INSECURE",
    });
  });
});

describe("recorded events", () => {
  test.each(["push-pull/py-py", "push-pull-trace/py-py", "pub-sub/py-py"])("%s", async (id) => {
    const vector = vectors.find((each) => each.id === id)!;
    const sink = new Sink();
    await using puller = await servePuller(sink, { bind: LOCAL });
    const socket = new SafeSocket("push");
    socket.connect(puller.endpoints[0]!);
    for (const { payload } of vector.events) socket.send([payload]);
    const calls = vector.calls.filter(([method]) => method === "record");
    await expect.poll(() => puller.stats().handled).toBe(calls.length);
    expect(puller.stats().failed).toBe(vector.events.length - calls.length);
    expect(JSON.stringify(sink.taken().map(bytesAsHex))).toBe(
      JSON.stringify(calls.map(([, args]) => args[0])),
    );
    socket.close();
  });

  test("look as ours do", async () => {
    const vector = vectors.find(({ id }) => id === "push-pull-trace/py-py")!;
    const pull = new SafeSocket("pull");
    const endpoint = await pull.bind(LOCAL);
    const headers = { trace_id: vector.options.trace! };
    await using pusher = openPusher<Sink>(endpoint, { headers });
    pusher.record(1);
    const { value: frames } = await pull[Symbol.asyncIterator]().next();
    expect(frames).toHaveLength(1);
    const [ours, theirs] = [frames![0]!, vector.events[0]!.payload].map((payload) => {
      const bytes = Buffer.from(payload);
      return bytes.fill(0, 15, 47).toString("hex");
    });
    expect(ours).toBe(theirs);
    expect(decodeEvent(frames![0]!)?.headers).toEqual(headers);
    pull.close();
  });
});

const bytesAsHex = (value: unknown): unknown =>
  value instanceof Uint8Array ? { $bin: Buffer.from(value).toString("hex") } : value;
