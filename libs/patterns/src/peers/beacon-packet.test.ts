import { KeyPair } from "@zeroplane/link";
import { Random } from "@zeroplane/link/testing";
import { describe, expect, test } from "vitest";
import { BeaconSeal } from "./beacon-packet.ts";

const NOW_MS = 1_700_000_000_000;
const HINT = { id: "a", epoch: 7, at: "tcp://10.0.0.1:7000" };

function pair(): { sender: BeaconSeal; receiver: BeaconSeal; keys: readonly [KeyPair, KeyPair] } {
  const keys = [KeyPair.random(), KeyPair.random()] as const;
  const [sender, receiver] = [new BeaconSeal(keys[0]), new BeaconSeal(keys[1])];
  for (const seal of [sender, receiver]) seal.trust(keys.map(({ publicKey }) => publicKey));
  return { sender, receiver, keys };
}

function one(sender: BeaconSeal, timeMs = NOW_MS): Buffer {
  const [datagram, ...rest] = sender.seal(HINT, timeMs);
  if (datagram === undefined || rest.length > 0) throw new Error("not one datagram");
  return datagram;
}

test("a beacon says who is there, with the key that has signed it", () => {
  const { sender, receiver, keys } = pair();
  expect(receiver.open(one(sender), NOW_MS)).toEqual({ ...HINT, key: keys[0].publicKey });
});

describe("it is refused", () => {
  test("by whoever does not trust its key", () => {
    const { sender, receiver, keys } = pair();
    receiver.trust([keys[1].publicKey]);
    expect(receiver.open(one(sender), NOW_MS)).toBe("foreign");
  });

  test("when it is signed with another key than it names", () => {
    const { sender, receiver, keys } = pair();
    const forger = new BeaconSeal(KeyPair.random());
    forger.trust([keys[1].publicKey]);
    const forged = one(forger);
    one(sender).copy(forged, 4, 4, 44);
    expect(receiver.open(forged, NOW_MS)).toBe("forged");
  });

  test("when one bit of what it says, or of its proofs, is another", () => {
    const { sender, receiver } = pair();
    const beacon = one(sender);
    for (let at = 0; at < beacon.length; at++) {
      const bent = Buffer.from(beacon);
      bent[at] = (bent[at] ?? 0) ^ 1;
      // One of the two proofs is for the sender itself.
      const isOther = at >= beacon.length - 32 && typeof receiver.open(bent, NOW_MS) === "object";
      if (!isOther) expect(receiver.open(bent, NOW_MS), `byte ${at}`).not.toBeTypeOf("object");
    }
  });

  test("when it comes again, or after a later one", () => {
    const { sender, receiver } = pair();
    const [first, second] = [one(sender), one(sender)];
    expect(receiver.open(second, NOW_MS)).toBeTypeOf("object");
    expect(receiver.open(second, NOW_MS)).toBe("replayed");
    expect(receiver.open(first, NOW_MS)).toBe("replayed");
    expect(receiver.open(one(sender, NOW_MS + 1), NOW_MS)).toBeTypeOf("object");
  });

  test("when its time is not now", () => {
    const { sender, receiver } = pair();
    expect(receiver.open(one(sender), NOW_MS + 30_001)).toBe("stale");
    expect(receiver.open(one(sender), NOW_MS - 30_001)).toBe("stale");
    expect(receiver.open(one(sender, Number.NaN), NOW_MS)).toBe("stale");
    expect(receiver.open(one(sender), NOW_MS + 30_000)).toBeTypeOf("object");
  });

  test("when it cannot be dialled, however well it is signed", () => {
    const { sender, receiver } = pair();
    const [datagram] = sender.seal({ ...HINT, at: "tcp://*:*" }, NOW_MS);
    expect(receiver.open(datagram ?? Buffer.alloc(0), NOW_MS)).toBe("malformed");
  });
});

test("whatever comes, nothing throws", () => {
  const { sender, receiver } = pair();
  const random = new Random(1);
  const beacon = one(sender);
  for (let i = 0; i < 20_000; i++) {
    const noise = Buffer.from(random.bytes(random.between(0, 200)));
    const bent = Buffer.concat([beacon.subarray(0, random.between(0, beacon.length)), noise]);
    const at = random.between(0, bent.length);
    if (at < bent.length) bent.writeUInt8(random.between(0, 255), at);
    receiver.open(bent, NOW_MS);
    expect(receiver.open(noise, NOW_MS)).not.toBeTypeOf("object");
  }
});

test("who trusts many sends several, none too large, and each of them finds its own", () => {
  const sender = new BeaconSeal(KeyPair.random());
  const receivers = Array.from({ length: 200 }, () => KeyPair.random());
  sender.trust(receivers.map(({ publicKey }) => publicKey));
  const datagrams = sender.seal(HINT, NOW_MS);
  expect(datagrams.length).toBeLessThanOrEqual(8);
  expect(Math.max(...datagrams.map(({ length }) => length))).toBeLessThan(1_400);
  const senderKey = datagrams[0]?.toString("latin1", 4, 44) ?? "";
  for (const key of receivers) {
    const seal = new BeaconSeal(key);
    seal.trust([senderKey]);
    const opened = datagrams.map((datagram) => seal.open(datagram, NOW_MS));
    expect(opened.filter((each) => typeof each === "object").length).toBe(1);
    expect(opened.filter((each) => typeof each === "string")).toEqual([]);
  }
});
