import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { codeOf } from "../errors.ts";
import { greeting, portOf } from "../traps/fixtures/raw.ts";
import { dial } from "./dial.ts";
import { encodeHello, type Hello } from "./hello.ts";
import { type Listener, listen } from "./listener.ts";
import { controlPacket, type Header, Kind, PacketWriter, writeHeader } from "./packet.ts";
import type { Session } from "./session.ts";

const VERB = 1;
const CALM: Omit<Header, "kind"> = { epoch: 0, seq: 0, ack: 0, window: 1_000_000 };

/** A ZMTP message of one frame. */
function framed(body: Uint8Array): Buffer {
  if (body.length < 256) return Buffer.concat([Buffer.from([0, body.length]), body]);
  const head = Buffer.alloc(9);
  head[0] = 2;
  head.writeBigUInt64BE(BigInt(body.length), 1);
  return Buffer.concat([head, body]);
}

/** A peer that speaks ZMTP by itself, and reads only when it is told to. */
class Stranger implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #session = Buffer.from(crypto.getRandomValues(new Uint8Array(16)));

  constructor(socket: Socket) {
    this.#socket = socket.on("error", () => undefined);
  }

  static async connect(listener: Listener): Promise<Stranger> {
    const socket = connect(portOf(listener.endpoint), "127.0.0.1");
    await once(socket, "connect");
    socket.write(greeting("DEALER"));
    // What comes before the other side's READY, which follows its greeting of 64 bytes, is an error.
    for (let bytes = 0; bytes <= 64; ) {
      const [chunk] = (await once(socket, "data")) as [Buffer];
      bytes += chunk.length;
    }
    socket.pause();
    return new Stranger(socket);
  }

  get closed(): boolean {
    return this.#socket.destroyed || this.#socket.closed;
  }

  read(): void {
    this.#socket.resume();
  }

  hello(changes: Partial<Hello> = {}): void {
    const hello = { version: 1, session: this.#session, attempt: 1, node: "stranger" };
    const credit = { receive: 0, window: 1_000_000, packets: 1_024, beat: 1_000 };
    const body = encodeHello({ ...hello, ...credit, capabilities: [], via: [], ...changes });
    this.#socket.write(framed(controlPacket({ ...CALM, kind: Kind.hello }, body)));
  }

  say(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  send(packet: Uint8Array, times = 1): void {
    this.#socket.write(Buffer.concat(Array.from({ length: times }, () => framed(packet))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}

function data(header: Partial<Header>, text: string): Buffer {
  const writer = new PacketWriter();
  writer.append(VERB, Buffer.from(text));
  const [packet] = writer.cut().frames;
  writeHeader(packet, { ...CALM, kind: Kind.data, ...header });
  return packet;
}

async function arena(): Promise<{ readonly listener: Listener; readonly got: string[] }> {
  const listener = await listen("tcp://127.0.0.1:*");
  const got: string[] = [];
  listener.accept(VERB, (session) => ({
    receive: (body) => {
      got.push(String(body));
      session.send(VERB, Buffer.from(body));
    },
  }));
  return { listener, got };
}

const only = (listener: Listener): Session | undefined => listener.sessions()[0];

/** The number of the incarnation that the listener chose. */
async function epochOf(listener: Listener): Promise<number> {
  await expect.poll(() => listener.sessions().length, { timeout: 5_000 }).toBe(1);
  return only(listener)?.epoch ?? 0;
}

describe("a peer", () => {
  test("that never reads is cut off before it fills our memory, and counted", async () => {
    const { listener } = await arena();
    await using _listener = listener;
    await using stranger = await Stranger.connect(listener);
    stranger.hello();
    const epoch = await epochOf(listener);
    // Each further hello brings all that is in flight once more.
    for (let i = 0; i < 20; i++) only(listener)?.send(VERB, Buffer.alloc(15_000));
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 2_000 && listener.stats().refused["unread"] === undefined; i++) {
      stranger.hello({ attempt: 2 + i, epoch });
      await sleep(1);
    }
    expect(listener.stats().refused["unread"]).toBeGreaterThan(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    await using honest = dial(listener.endpoint);
    await honest.ready(2_000);
  });

  test("that asks for the same packets again and again gets them now and then", async () => {
    const { listener } = await arena();
    await using _listener = listener;
    await using stranger = await Stranger.connect(listener);
    stranger.hello();
    const epoch = await epochOf(listener);
    for (let i = 0; i < 10; i++) only(listener)?.send(VERB, Buffer.alloc(1_000));
    await sleep(20);
    stranger.send(controlPacket({ ...CALM, epoch, kind: Kind.resend }), 5_000);
    await sleep(200);
    expect(only(listener)?.stats().resent).toBeLessThan(50);
  });

  test("that never grants credit gets nothing, and the sender is told", async () => {
    const { listener } = await arena();
    await using _listener = listener;
    await using stranger = await Stranger.connect(listener);
    stranger.hello({ window: 0 });
    await epochOf(listener);
    const session = only(listener);
    const flood = (): void => {
      for (let i = 0; i < 100; i++) session?.send(VERB, Buffer.alloc(1_000_000));
    };
    let error: unknown;
    try {
      flood();
    } catch (thrown) {
      error = thrown;
    }
    expect(codeOf(error)).toBe("ERR_LINK_OVERLOADED");
    expect(session?.stats()).toMatchObject({ inFlightBytes: 0, creditBytes: 0 });
  });

  test("that sends a packet again is heard once", async () => {
    const { listener, got } = await arena();
    await using _listener = listener;
    await using stranger = await Stranger.connect(listener);
    stranger.read();
    stranger.hello();
    const epoch = await epochOf(listener);
    stranger.send(data({ epoch }, "once"), 100);
    stranger.send(data({ epoch, seq: 1 }, "then"));
    await expect.poll(() => got).toEqual(["once", "then"]);
    expect(only(listener)?.stats().duplicates).toBe(99);
  });

  test("that says what was never sent, or nothing that makes sense, is counted by reason", async () => {
    const { listener, got } = await arena();
    await using _listener = listener;
    await using stranger = await Stranger.connect(listener);
    stranger.read();
    stranger.hello();
    const epoch = await epochOf(listener);
    stranger.send(controlPacket({ ...CALM, epoch, ack: 7, kind: Kind.ack }));
    stranger.send(controlPacket({ ...CALM, epoch, kind: 99 }));
    stranger.send(data({ epoch: (epoch + 1) & 0xffff }, "of another life"));
    stranger.send(Buffer.from("no packet at all"));
    const session = only(listener);
    await expect.poll(() => session?.stats().refused).toEqual({ ack: 1, kind: 1, protocol: 1 });
    expect(session?.stats().stale).toBe(1);
    const broken = data({ epoch }, "fine");
    broken.writeUInt32BE(0x040000ff, 16);
    stranger.send(broken);
    // What stood behind the fault cannot be asked for again: that is the end of the session.
    await expect.poll(() => session?.state).toBe("closed");
    expect(session?.stats().refused["records"]).toBe(1);
    expect(got).toEqual([]);
  });

  test("that claims a frame beyond the limit loses its connection, and the others do not", async () => {
    const { listener } = await arena();
    await using _listener = listener;
    await using honest = dial(listener.endpoint);
    await honest.ready(2_000);
    await using stranger = await Stranger.connect(listener);
    stranger.read();
    const claim = Buffer.alloc(9);
    claim[0] = 2;
    claim.writeBigUInt64BE(2n ** 40n, 1);
    stranger.say(claim);
    await expect.poll(() => stranger.closed, { timeout: 3_000 }).toBe(true);
    expect(honest.state).toBe("up");
  });
});
