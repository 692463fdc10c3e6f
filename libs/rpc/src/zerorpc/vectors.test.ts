import { describe, expect, test } from "vitest";
import { Service } from "../service.ts";
import { Interop } from "./fixtures/interop.ts";
import { type Recorded, read, type Vector, vectors } from "./fixtures/vectors.ts";
import { settle, VirtualClock } from "./fixtures/virtual-clock.ts";
import { ZerorpcServer } from "./server.ts";

type Sent = Pick<Recorded, "header" | "name" | "args"> & { readonly payload: Buffer };

/** Bytes of an id of ours within a payload. */
const ID_AT = [15, 47] as const;

/** What our server answers to everything that the recorded client sent, at the recorded times. */
async function replay({ events, heartbeatMs }: Vector): Promise<Sent[]> {
  const clock = new VirtualClock();
  const sent: Sent[] = [];
  const server = new ZerorpcServer({
    service: new Service(new Interop(clock), undefined),
    callsMax: 100,
    interceptor: undefined,
    heartbeatMs,
    paths: false,
    send: (_envelope, payload) =>
      sent.push({ ...read(payload), payload: Buffer.from(payload) } as Sent),
  });
  const tick = (nowMs: number): void => server.tick(nowMs);
  const route = [Buffer.from("0000000001", "hex")];
  for (const event of events.filter(({ toServer }) => toServer)) {
    await clock.advance(event.atMs, tick);
    server.receive(route, event.payload, clock.nowMs);
    await settle();
  }
  const lastMs = events.at(-1)?.atMs ?? 0;
  await clock.advance(lastMs + 4 * heartbeatMs, tick);
  await builtinsAnswer(server);
  return sent;
}

/** Reading the source of the service takes real time. */
async function builtinsAnswer(server: ZerorpcServer): Promise<void> {
  for (let i = 0; i < 200 && server.running > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const said = ({ name, args }: Pick<Recorded, "name" | "args">): unknown => {
  if (name !== "ERR" || !Array.isArray(args) || args.length < 3) return [name, args];
  return [name, args.slice(0, 2), args.length];
};

const answers = (vector: Vector): Recorded[] => vector.events.filter(({ toServer }) => !toServer);
const find = (id: string): Vector => vectors.find((vector) => vector.id === id)!;

/** Answers that are ours for a reason; each has its own test below. */
const OWN = new Set([
  "error-unserialisable/py-py",
  "error-unknown-method-node-server/py-node",
  "error-unknown-method-node-server/node-node",
  "builtin-ping/py-node",
  "builtin-ping/node-node",
  "builtin-inspect/py-py",
  "builtin-inspect/node-py",
  "builtin-inspect/py-node",
  "builtin-inspect/node-node",
  "builtin-inspect-python311/py-py",
  "builtin-others/py-py",
  "builtin-others/node-py",
  "stream-empty/py-node",
  "stream-empty/node-node",
  "lost-client/raw-node",
  "credit-too-early/raw-py",
]);
/** No server, or one that never answers. */
const NONE = /^(push-pull|pub-sub|lost-remote)/;
/** Whole floats arrive as integers of the same value. */
const NOT_IN_BYTES = /^(call-floats|call-ints\/node)/;

const served = vectors.filter(({ id }) => !NONE.test(id));

describe("the server answers a recorded client as the recorded server did", () => {
  test.each(served.filter(({ id }) => !OWN.has(id)).map((vector) => [vector.id, vector] as const))(
    "%s",
    async (id, vector) => {
      const ours = await replay(vector);
      const theirs = answers(vector);
      // Node ends a stream with an empty array, Python with nil.
      const ends = theirs.map((event) =>
        event.name === "STREAM_DONE" ? { ...event, args: null } : event,
      );
      expect(ours.map(said)).toEqual(ends.map(said));
      for (const [i, event] of ours.entries()) {
        expect(event.header["response_to"]).toEqual(theirs[i]!.header["response_to"]);
      }
      if (!id.endsWith("-py") || NOT_IN_BYTES.test(id)) return;
      for (const [i, event] of ours.entries()) {
        if (event.name === "ERR") continue;
        const [from, to] = ID_AT;
        theirs[i]!.payload.copy(event.payload, from, from, to);
        expect(event.payload.toString("hex")).toBe(theirs[i]!.payload.toString("hex"));
      }
    },
  );
});

describe("the server answers in its own way", () => {
  const last = async (id: string): Promise<Sent[]> => replay(find(id));

  test("what cannot travel: the name is the same, the message says what to do", async () => {
    const [answer] = await last("error-unserialisable/py-py");
    expect(answer).toMatchObject({
      name: "ERR",
      args: ["TypeError", expect.any(String), expect.any(String)],
    });
  });

  test.each(["py-node", "node-node"])("unknown methods are answered, %s", async (peers) => {
    const [answer] = await last(`error-unknown-method-node-server/${peers}`);
    expect(said(answer!)).toEqual(["ERR", ["NameError", "no_such_method"], 3]);
  });

  test.each(["py-node", "node-node"])("a ping says the name, %s", async (peers) => {
    expect((await last(`builtin-ping/${peers}`))[0]!.args).toEqual([["pong", "Interop"]]);
  });

  test.each(["py-py", "node-py", "py-node", "node-node"])("inspect, %s", async (peers) => {
    const [answer] = await last(`builtin-inspect/${peers}`);
    const [ours] = answer!.args as [{ name: string; methods: Record<string, unknown> }];
    expect(ours.name).toBe("Interop");
    expect(ours.methods["greet"]).toEqual({
      args: [{ name: "name" }, { name: "greeting", default: "hello" }],
      doc: "Greet somebody.\n\nThe greeting word can be chosen.",
    });
    const [theirs] = answers(find("builtin-inspect/py-py"))[0]!.args as [typeof ours];
    expect(Object.keys(ours.methods)).toEqual(expect.arrayContaining(Object.keys(theirs.methods)));
  });

  test("inspect and args, which a new Python cannot answer", async () => {
    const [inspect, args] = await last("builtin-inspect-python311/py-py");
    expect(inspect!.name).toBe("OK");
    expect(args!.args).toEqual([[["a", "b"], null, null, null]]);
  });

  test.each(["py-py", "node-py"])("name, list, help and args, %s", async (peers) => {
    const id = `builtin-others/${peers}`;
    // There is no `self`, and the recorded list knows nothing of `record`.
    const theirs = answers(find(id))
      .map(said)
      .map((answer) => JSON.stringify(answer));
    const ours = (await last(id)).map(said).map((answer) => JSON.stringify(answer));
    expect(ours.map((text) => text.replace('"record",', ""))).toEqual(
      theirs.map((text) => text.replace('"self",', "").replace('"self"', "")),
    );
  });

  test.each(["py-node", "node-node"])("an empty stream is a stream, %s", async (peers) => {
    expect((await last(`stream-empty/${peers}`)).map(said)).toEqual([["STREAM_DONE", null]]);
  });

  test("a silent client is lost after three intervals, and not after two", async () => {
    expect((await last("lost-client/raw-node")).map(said)).toEqual([
      ["_zpc_hb", [0]],
      ["_zpc_hb", [0]],
    ]);
  });

  test("credit right behind the request counts", async () => {
    const names = (await last("credit-too-early/raw-py")).map(({ name }) => name);
    expect(names).toEqual(["STREAM", "STREAM", "STREAM", "STREAM_DONE"]);
  });
});
