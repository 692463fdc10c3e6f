import { expect, test } from "vitest";
import { History } from "./history.ts";
import { messagesIn } from "./log-record.ts";
import { PublisherCore } from "./publisher-core.ts";

const about = { headers: {}, atMs: 0 };
const body = Buffer.from("x");

test("a bad topic is refused, and takes no number", () => {
  const core = new PublisherCore<string>(new History(1_000));
  for (const topic of ["", "a..b", ".a", "a\0b", "x".repeat(256)])
    expect(() => core.put(topic, body, about)).toThrow(
      expect.objectContaining({ code: "ERR_BAD_TOPIC" }),
    );
  expect(core.put("a.b", body, about).seq).toBe(1);
});

test("who does not follow is not answered; who does gets only its topics", () => {
  const core = new PublisherCore<string>(new History(1_000));
  core.put("a", body, about);
  core.put("b", body, about);
  expect(core.replay("one", 1, 2)).toBeUndefined();
  core.follow("one", { patterns: ["b"] });
  const answer = core.replay("one", 1, 2);
  expect(messagesIn(answer?.records ?? Buffer.alloc(0))?.map(({ seq }) => seq)).toEqual([2]);
  core.forget("one");
  expect(core.replay("one", 1, 2)).toBeUndefined();
});

test("the first beat to a follower names every topic, later ones what changed", () => {
  const core = new PublisherCore<string>(new History(1_000));
  core.put("a", body, about);
  core.put("b", body, about);
  core.follow("one", { patterns: [">"] });
  const beat = (): unknown => [...core.beats()];
  expect(beat()).toEqual([
    [
      "one",
      {
        head: 2,
        lasts: [
          ["a", 1],
          ["b", 2],
        ],
      },
    ],
  ]);
  core.put("a", body, about);
  expect(beat()).toEqual([["one", { head: 3, lasts: [["a", 3]] }]]);
  expect(beat()).toEqual([["one", { head: 3, lasts: [] }]]);
});

test("a follower is ready when its probe has come, each time that it follows", () => {
  const core = new PublisherCore<string>(new History(1_000));
  core.follow("one", { patterns: [">"], probe: "p" });
  core.follow("two", { patterns: [">"] });
  expect([core.followers, core.ready, core.probes()]).toEqual([2, 1, ["p"]]);
  core.here("one");
  expect([core.ready, core.probes()]).toEqual([2, []]);
  core.follow("one", { patterns: [">"], probe: "p" });
  expect(core.ready).toBe(1);
  core.forget("one");
  expect([core.followers, core.ready]).toEqual([1, 1]);
});
