import { Random } from "@zeroplane/link/testing";
import { expect, test } from "vitest";
import { type Advert, fromWire, Kind, type PeerMessage, toWire } from "./message.ts";

const ADVERT: Advert = {
  kind: Kind.advert,
  id: "a",
  name: "A",
  epoch: 1,
  at: "tcp://10.0.0.1:7000",
  key: undefined,
  sentMs: 1,
  echoMs: -1,
  holdMs: 0,
  load: 0.5,
  offers: new Map([["prices", "ipc:///tmp/prices"]]),
};

test.each<PeerMessage>([
  ADVERT,
  { ...ADVERT, key: "k".repeat(40) },
  {
    kind: Kind.hints,
    id: "a",
    hints: [{ id: "b", epoch: 2, at: "tcp://[::1]:1", key: undefined }],
  },
  { kind: Kind.left, id: "a", epoch: 3 },
])("what is said is what is heard: %o", (message) => {
  expect(fromWire(toWire(message))).toEqual(message);
});

const wire = toWire(ADVERT);
const changed = (at: number, value: unknown): unknown[] => wire.with(at, value);

test.each<[string, unknown]>([
  ["no list", { kind: 1 }],
  ["no kind", changed(0, 9)],
  ["no id", changed(1, "")],
  ["an id that is too long", changed(1, "x".repeat(129))],
  ["an epoch that is no number", changed(2, "1")],
  ["an epoch that is no whole number", changed(2, 1.5)],
  ["a time that is no number", changed(3, Number.NaN)],
  ["a load that has no end", changed(6, Number.POSITIVE_INFINITY)],
  ["an address that is none", changed(8, "tcp://nowhere")],
  ["an address that cannot be dialled", changed(8, "tcp://10.0.0.1:*")],
  ["an address that is too long", changed(8, `tcp://${"x".repeat(256)}:1`)],
  ["half a key", changed(9, "k".repeat(20))],
  ["offers that are no pairs", changed(10, [["a"]])],
  [
    "too many offers",
    changed(
      10,
      Array.from({ length: 65 }, (_, i) => [`o${i}`, "tcp://h:1"]),
    ),
  ],
  [
    "too many hints",
    [Kind.hints, "a", Array.from({ length: 65 }, () => ["b", 1, "tcp://h:1", ""])],
  ],
  ["a hint that is none", [Kind.hints, "a", [["b", 1, "tcp://h:1", ""], "c"]]],
  ["a goodbye of no life", [Kind.left, "a"]],
])("%s is no message", (_what, value) => {
  expect(fromWire(value)).toBeUndefined();
});

test("nothing makes it throw", () => {
  const random = new Random(1);
  const junk = [null, "", "x", -1, 1, 2, 3, Number.NaN, [], {}, [[]], new Uint8Array(2), true];
  for (let i = 0; i < 20_000; i++) {
    const value: unknown[] = Array.from({ length: random.between(0, 12) }, () => random.pick(junk));
    fromWire(
      random.chance(0.5) ? value : wire.with(random.between(0, wire.length - 1), random.pick(junk)),
    );
  }
});
