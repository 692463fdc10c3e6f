import { expect, test } from "vitest";
import { PublisherCore } from "./publisher-core.ts";

const about = { headers: {}, atMs: 0 };
const body = Buffer.from("x");

test("a bad topic is refused, and takes no number", () => {
  const core = new PublisherCore<string>(1_000);
  for (const topic of ["", "a..b", ".a", "a\0b", "x".repeat(256)])
    expect(() => core.put(topic, body, about)).toThrow(
      expect.objectContaining({ code: "ERR_BAD_TOPIC" }),
    );
  expect(core.put("a.b", body, about).seq).toBe(1);
});

test("who does not follow is not answered; who does gets only its topics", () => {
  const core = new PublisherCore<string>(1_000);
  core.put("a", body, about);
  core.put("b", body, about);
  expect(core.replay("one", 1, 2)).toBeUndefined();
  core.follow("one", ["b"]);
  expect(core.replay("one", 1, 2)?.messages.map(({ seq }) => seq)).toEqual([2]);
  core.forget("one");
  expect(core.replay("one", 1, 2)).toBeUndefined();
});

test("the first beat to a follower names every topic, later ones what changed", () => {
  const core = new PublisherCore<string>(1_000);
  core.put("a", body, about);
  core.put("b", body, about);
  core.follow("one", [">"]);
  const beat = (): unknown => [...core.beats()];
  expect(beat()).toEqual([
    [
      "one",
      [
        ["a", 1],
        ["b", 2],
      ],
    ],
  ]);
  core.put("a", body, about);
  expect(beat()).toEqual([["one", [["a", 3]]]]);
  expect(beat()).toEqual([["one", []]]);
});
