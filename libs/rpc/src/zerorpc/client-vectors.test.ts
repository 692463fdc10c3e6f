import { expect, test } from "vitest";
import { type Answer, PendingCall } from "../pending-call.ts";
import { CallerCore } from "./caller-core.ts";
import { read, type Vector, vectors } from "./fixtures/vectors.ts";
import { settle, VirtualClock } from "./fixtures/virtual-clock.ts";

const ID_AT = 13;
const ID_BYTES = 34;

type Got = { readonly items: unknown[]; result?: unknown; error?: Error & { code?: string } };

/** Whoever made the recorded calls: takes the stream, or the result. */
async function consume(answer: Answer): Promise<Got> {
  const got: Got = { items: [] };
  try {
    const value = await answer;
    if (typeof value !== "object" || value === null || !(Symbol.asyncIterator in value)) {
      got.result = value;
    } else for await (const item of value as AsyncIterable<unknown>) got.items.push(item);
  } catch (error) {
    got.error = error as Error;
  }
  return got;
}

/** The recorded answers to one call after the other, with the ids that our calls have. */
async function replay(vector: Vector): Promise<{ got: Got[]; asked: unknown[] }> {
  const clock = new VirtualClock();
  const sent: Buffer[] = [];
  const got: Got[] = [];
  const send = (payload: Uint8Array): void => void sent.push(Buffer.from(payload));
  const window = vector.calls[0]?.[2]?.slots ?? 100;
  const core = new CallerCore({ endpoint: "x", heartbeatMs: vector.heartbeatMs, window, send });
  const tick = (nowMs: number): void => core.tick(nowMs);
  const requests = vector.events.filter((e) => e.toServer && !("response_to" in e.header));
  for (const [i, request] of requests.entries()) {
    await clock.advance(request.atMs, tick);
    const [method, args, options] = vector.calls[i]!;
    const timeoutMs = (options?.timeout ?? 30) * 1_000;
    const headers = vector.options.trace ? { trace_id: vector.options.trace } : undefined;
    const asking = { method, args, headers, timeoutMs, signal: undefined };
    const call = new PendingCall(asking, clock.nowMs);
    const done = consume(call.answer);
    core.start(call, clock.nowMs);
    const id = sent.at(-1)!.subarray(ID_AT, ID_AT + ID_BYTES);
    const theirs = request.header["message_id"];
    for (const event of vector.events) {
      if (event.toServer || !sameId(event.header["response_to"], theirs)) continue;
      await clock.advance(event.atMs, tick);
      core.receive(rerouted(event.payload, theirs, id), clock.nowMs);
      await settle();
    }
    await clock.advance(clock.nowMs + (call.ended ? 0 : 31_000), tick);
    got.push(await done);
  }
  const asked = sent.map((payload) => read(payload)).map(({ name, args }) => [name, args]);
  return { got, asked };
}

const sameId = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A payload with our id where the recorded one was; the last one in it. */
function rerouted(payload: Buffer, theirs: unknown, ours: Uint8Array): Buffer {
  const raw = Buffer.from(theirs as Uint8Array);
  const key = Buffer.from("\xabresponse_to", "latin1");
  const at = payload.lastIndexOf(key) + key.length;
  const size = raw.length + (typeof theirs === "string" && raw.length < 32 ? 1 : 2);
  return Buffer.concat([payload.subarray(0, at), ours, payload.subarray(at + size)]);
}

/** What the recorded caller saw, in the words of the recorder, as far as it holds for all peers. */
function outcome({ items, result, error }: Got, recorded: string): string {
  const failed = error === undefined ? "" : `${error.name}: ${error.message}`;
  if (/^(LostRemote|error HeartbeatError)/.test(recorded)) {
    return error?.code === "ERR_LOST_REMOTE" ? recorded : failed;
  }
  if (recorded.startsWith("TimeoutExpired"))
    return error?.code === "ERR_DEADLINE" ? recorded : failed;
  const kind =
    recorded.startsWith("error") || recorded.includes("then error") ? "error" : "RemoteError";
  if (/^\d+ items/.test(recorded)) {
    const tail = recorded.includes("undefined") ? ", then undefined" : "";
    return `${items.length} items${error === undefined ? tail : `, then ${kind} ${failed}`}`;
  }
  if (recorded === "undefined" && items.length === 0) return "undefined";
  if (error !== undefined) return `${kind} ${failed}`;
  return `returned ${recorded.startsWith("returned") ? "" : JSON.stringify(result)}`;
}

/** `lost-client` and the like have no caller that saw something. */
const called = vectors.filter(
  ({ id, calls, outcome: seen }) => calls.length > 0 && seen.length > 0 && !/^(push|pub)/.test(id),
);

test.each(called.map((vector) => [vector.id, vector] as const))(
  "a recorded server's answers mean the same to our client: %s",
  async (_id, vector) => {
    const { got } = await replay(vector);
    expect(got).toHaveLength(vector.calls.length);
    for (const [i, recorded] of vector.outcome.entries()) {
      const ours = outcome(got[i]!, recorded);
      if (!recorded.startsWith("returned")) expect(ours).toBe(recorded);
      else expect(got[i]).toEqual({ items: [], result: okOf(vector, i) });
    }
  },
);

/** What the i-th OK of the recorded server carried. */
function okOf({ events }: Vector, call: number): unknown {
  const requests = events.filter((event) => event.toServer && !("response_to" in event.header));
  const id = requests[call]?.header["message_id"];
  const ok = events.find((e) => e.name === "OK" && sameId(e.header["response_to"], id));
  return (ok!.args as unknown[])[0];
}

test.each([
  ["stream-250/py-py", ["stream_range", [250]]],
  ["stream-small-window/py-py", ["stream_range", [40]]],
])("credit is asked for as Python asks for it: %s", async (id, first) => {
  const vector = vectors.find((each) => each.id === id)!;
  const theirs = vector.events.filter(({ toServer }) => toServer);
  const { asked } = await replay(vector);
  expect(asked[0]).toEqual(first);
  expect(asked).toEqual(theirs.map(({ name, args }) => [name, args]));
});

test("beats are sent as Python sends them", async () => {
  const vector = vectors.find((each) => each.id === "lost-remote/py-rogue")!;
  const { asked } = await replay(vector);
  expect(asked).toEqual([
    ["silent", []],
    ["_zpc_hb", [0]],
    ["_zpc_hb", [0]],
  ]);
});
