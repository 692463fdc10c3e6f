import { encodeHello, encodeWelcome, type Hello, type Introduction } from "../../session/hello.ts";
import { controlPacket, Kind, PacketWriter, writeHeader } from "../../session/packet.ts";
import type { Random } from "../random.ts";
import { Arena } from "./arena.ts";
import type { FuzzTarget, Input } from "./target.ts";

const KINDS = Object.values(Kind);
const EXTRA_FRAMES = [0, 0, 0, 0, 1, 2, 63, 64, 200];

function introduction(random: Random): Introduction {
  return {
    version: random.pick([1, 1, 1, 0, 2, 9]),
    attempt: random.between(0, 3),
    node: "stranger",
    capabilities: [],
    receive: random.pick([0, 0, 1, 5, 0xffffffff]),
    window: random.pick([0, 100, 100_000, 0xffffffff]),
    packets: random.pick([0, 1, 1_024]),
    beat: random.pick([0, 1_000, 0xffffffff]),
  };
}

function helloBody(random: Random): Uint8Array {
  const session = Buffer.alloc(16, random.between(1, 4));
  const hello: Omit<Hello, "epoch"> = { ...introduction(random), via: [], session };
  return encodeHello(hello);
}

function welcomeBody(random: Random): Uint8Array {
  const resumed = random.chance(0.5);
  return encodeWelcome({ ...introduction(random), resumed, epoch: random.between(0, 4) });
}

function records(random: Random): Buffer {
  const writer = new PacketWriter();
  for (let left = random.between(1, 5); left > 0; left--) {
    writer.append(random.between(0, 31), Buffer.alloc(random.between(0, 50)));
  }
  return writer.cut().frames[0];
}

function packet(random: Random): Buffer {
  const kind = random.chance(0.4) ? Kind.data : random.pick(KINDS);
  const header = {
    kind,
    epoch: random.between(0, 4),
    seq: random.pick([0, 0, 1, 2, 3, 0xffffffff]),
    ack: random.pick([0, 0, 1, 2, 0x80000000]),
    window: random.pick([0, 1_000, 0xffffffff]),
  };
  if (kind === Kind.hello) return controlPacket(header, helloBody(random));
  if (kind === Kind.welcome) return controlPacket(header, welcomeBody(random));
  if (kind !== Kind.data) return controlPacket(header);
  const bytes = Buffer.from(records(random));
  writeHeader(bytes, header);
  return bytes;
}

/**
 * Sessions: a listener and a dialer are sent packets that strangers made up. A piece is one
 * message: to whom, how many frames beside the first, and the first. An honest session at the same
 * listener must not feel anything of it.
 */
export const sessionTarget: FuzzTarget = {
  name: "session",
  make: (random) =>
    Array.from({ length: random.between(1, 12) }, () => {
      const to = random.between(0, 3);
      const extra = EXTRA_FRAMES.indexOf(random.pick(EXTRA_FRAMES));
      return Buffer.concat([Buffer.from([to, extra]), packet(random)]);
    }),
  run: (input: Input) => {
    const arena = new Arena();
    for (const [to = 0, extra = 0, ...first] of input) {
      const beside = EXTRA_FRAMES[extra % EXTRA_FRAMES.length] ?? 0;
      arena.attack(to % 4, [
        Buffer.from(first),
        ...Array.from({ length: beside }, () => Buffer.alloc(8)),
      ]);
    }
    arena.check(input.length);
    return arena.summary();
  },
};
