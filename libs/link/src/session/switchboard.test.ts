import { expect, test } from "vitest";
import { encodeHello } from "./hello.ts";
import { controlPacket, HEADER_BYTES, Kind, LOST, readHeader } from "./packet.ts";
import { type ForeignHandler, Switchboard } from "./switchboard.ts";

const NONE = { epoch: 0, seq: 0, ack: 0, window: 0 };

class Fake {
  readonly epochs: number[] = [];
  losses = 0;
  packets = 0;
  accept(_hello: unknown, epoch: number): void {
    this.epochs.push(epoch);
  }
  receive(): void {
    this.packets++;
  }
  lineLost(): void {
    this.losses++;
  }
}

function hello(session: number, attempt: number, key?: string): Buffer {
  const body = encodeHello({
    version: 1,
    session: Buffer.alloc(16, session),
    attempt,
    node: "test",
    capabilities: [],
    via: [],
    receive: 0,
    window: 0,
    packets: 1,
    beat: 1_000,
    ...(key !== undefined && { key }),
  });
  return controlPacket({ ...NONE, kind: Kind.hello }, body);
}

const data = controlPacket({ ...NONE, kind: Kind.data });
const route = (name: string): Buffer => Buffer.from(name);

interface Options {
  readonly sessionsMax?: number;
  readonly admits?: () => boolean;
  readonly foreign?: ForeignHandler;
}

function board(options: Options = {}): {
  readonly board: Switchboard<Fake>;
  readonly made: Fake[];
  readonly sent: { readonly to: string; readonly kind: number }[];
} {
  const made: Fake[] = [];
  const sent: { to: string; kind: number }[] = [];
  const open = (): Fake => {
    const fake = new Fake();
    made.push(fake);
    return fake;
  };
  const send = ([to, first]: readonly Uint8Array[]): void => {
    const kind = readHeader(Buffer.from(first ?? []))?.kind ?? 0;
    sent.push({ to: Buffer.from(to ?? []).toString(), kind });
  };
  const foreign = (): ForeignHandler | undefined => options.foreign;
  const parts = { sessionsMax: 8, admits: () => true, open, send, firstEpoch: 9 };
  return { board: new Switchboard({ ...parts, ...options, foreign }), made, sent };
}

test("a session moves to the connection of its last hello", () => {
  const { board: b, made } = board();
  b.receive(route("a"), [hello(1, 1)]);
  b.receive(route("b"), [hello(1, 2)]);
  b.receive(route("b"), [data]);
  expect(made.length).toBe(1);
  expect(made[0]?.packets).toBe(1);
  expect(b.routes).toBe(1);
});

test("a hello that was overtaken does not move the session back to a dead connection", () => {
  const { board: b, made } = board();
  b.receive(route("a"), [hello(1, 1)]);
  b.receive(route("b"), [hello(1, 3)]);
  b.receive(route("a"), [hello(1, 2)]);
  expect(b.refused()).toEqual({ stale: 1 });
  b.receive(route("b"), [data]);
  expect(made[0]?.packets).toBe(1);
});

test("a hello that somebody else repeats does not give the session to him", () => {
  const { board: b, made } = board();
  b.receive(route("a"), [hello(1, 1)]);
  b.receive(route("thief"), [hello(1, 1)]);
  expect(b.refused()).toEqual({ stale: 1 });
  b.receive(route("a"), [data]);
  expect(made[0]?.packets).toBe(1);
});

test("another session on the same connection takes its place, and its end is its own", () => {
  const { board: b, made } = board();
  b.receive(route("a"), [hello(1, 1)]);
  b.receive(route("a"), [hello(2, 1)]);
  expect(made[0]?.losses).toBe(1);
  b.forget(Buffer.alloc(16, 1));
  b.receive(route("a"), [data]);
  expect(made[1]?.packets).toBe(1);
});

test("two sessions never have the same number", () => {
  const { board: b, made } = board();
  b.receive(route("a"), [hello(1, 1)]);
  b.receive(route("a"), [hello(2, 1)]);
  expect(made.map(({ epochs }) => epochs)).toEqual([[10], [11]]);
});

test("who is not welcome is told so", () => {
  const { board: b, sent } = board({ sessionsMax: 1 });
  b.receive(route("a"), [hello(1, 1, "friend")]);
  b.receive(route("b"), [hello(2, 1)]);
  b.receive(route("c"), [hello(1, 2, "thief")]);
  expect(sent).toEqual([
    { to: "b", kind: Kind.refused },
    { to: "c", kind: Kind.refused },
  ]);
  expect(b.refused()).toEqual({ sessions: 1, key: 1 });
});

test("a check of keys that throws lets nobody in", () => {
  const { board: b, made } = board({
    admits: () => {
      throw new Error("disk");
    },
  });
  b.receive(route("a"), [hello(1, 1)]);
  expect(made).toEqual([]);
  expect(b.refused()).toEqual({ key: 1 });
});

test("packets of nobody's session are answered with a reset, ends and goodbyes are not", () => {
  const { board: b, sent } = board();
  b.receive(route("x"), [data]);
  b.receive(route("x"), [LOST]);
  b.receive(route("x"), [controlPacket({ ...NONE, kind: Kind.bye })]);
  expect(sent).toEqual([{ to: "x", kind: Kind.reset }]);
});

test("hellos of every broken form are counted, and nothing comes of them", () => {
  const { board: b, made } = board();
  const good = hello(1, 1);
  for (let at = HEADER_BYTES; at < good.length; at++) {
    b.receive(route("x"), [good.subarray(0, at)]);
  }
  b.receive(route("x"), [Buffer.concat([good, Buffer.alloc(5_000)])]);
  expect(made).toEqual([]);
  expect(b.refused()["hello"]).toBe(good.length - HEADER_BYTES + 1);
});

test("what another protocol takes is its own, and it hears of the end of its connections", () => {
  const seen: string[] = [];
  const foreign = {
    receive: (from: Buffer, [first]: readonly Buffer[]) => {
      seen.push(`${from} ${first}`);
      return String(first) === "ours";
    },
    lost: (from: Buffer) => seen.push(`${from} lost`),
  };
  const { board: b, sent } = board({ foreign });
  b.receive(route("f"), [Buffer.from("ours")]);
  b.receive(route("f"), [Buffer.from("garbage")]);
  b.receive(route("f"), [LOST]);
  b.receive(route("z"), [hello(1, 1)]);
  b.receive(route("z"), [Buffer.from("ours")]);
  expect(seen).toEqual(["f ours", "f garbage", "f lost"]);
  expect(b.refused()).toEqual({ protocol: 1 });
  expect(sent).toEqual([]);
});
