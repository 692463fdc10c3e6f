import { describe, expect, test } from "vitest";
import { FollowerCore } from "./follower-core.ts";
import { History } from "./history.ts";
import { messagesIn } from "./log-record.ts";
import type { FeedMessage } from "./message.ts";
import { matches, matchesAny, prefixOf } from "./topics.ts";

function publisher(): { put: (topic: string) => FeedMessage; history: History } {
  const history = new History(1e9);
  const last = new Map<string, number>();
  let seq = 0;
  const put = (topic: string): FeedMessage => {
    seq++;
    const message = {
      topic,
      seq,
      prev: last.get(topic) ?? 0,
      atMs: 0,
      headers: {},
      body: new Uint8Array(),
    };
    last.set(topic, seq);
    history.push(message);
    return message;
  };
  return { put, history };
}

/** A small seeded generator (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("sees each message of its topics once and in order, under loss, duplication and any filter", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const next = random(seed);
    const { put, history } = publisher();
    const patterns = ["a.*"];
    const delivered: FeedMessage[] = [];
    const asked: [number, number][] = [];
    const core = new FollowerCore(
      { head: 0, topics: [] },
      {
        deliver: (message) => delivered.push(message),
        gap: () => expect.unreachable(`seed ${seed}: nothing was lost for good`),
        ask: (from, to) => asked.push([from, to]),
      },
    );
    let now = 0;
    const wanted: number[] = [];
    const last = new Map<string, number>();
    const lasts = (): [string, number][] => [...last].filter(([topic]) => topic.startsWith("a."));
    const step = (): void => {
      now += 100;
      const range = asked.shift();
      if (range === undefined || next() < 0.2) return;
      const [from, to] = range;
      const wants = (topic: string): boolean => matchesAny(patterns, topic);
      const { records, ...found } = history.range({ from, to, wants, bytesMax: 300 });
      const about = { from, to, oldest: history.oldest, ...found };
      core.replayed(messagesIn(records) ?? [], about, now);
    };
    for (let i = 0; i < 200; i++) {
      const topic = ["a.x", "a.y", "b.x"][Math.floor(next() * 3)] ?? "a.x";
      const message = put(topic);
      last.set(topic, message.seq);
      if (!topic.startsWith("a.")) continue;
      wanted.push(message.seq);
      if (next() < 0.7) core.message(message, now);
      if (next() < 0.1) core.message(message, now);
      step();
      if (next() < 0.1) core.beat({ lasts: lasts(), head: wanted.at(-1) ?? 0 }, now);
    }
    for (let i = 0; i < 2_000 && delivered.length < wanted.length; i++) {
      core.beat({ lasts: lasts(), head: wanted.at(-1) ?? 0 }, now);
      step();
    }
    expect([seed, delivered.map(({ seq }) => seq).sort((a, b) => a - b)]).toEqual([seed, wanted]);
    for (const topic of ["a.x", "a.y"]) {
      const numbers = delivered.filter((message) => message.topic === topic).map(({ seq }) => seq);
      expect([seed, numbers]).toEqual([seed, numbers.toSorted((a, b) => a - b)]);
    }
  }
});

test("names what can not be had any more", () => {
  const gaps: unknown[] = [];
  const asked: unknown[] = [];
  const delivered: number[] = [];
  const core = new FollowerCore(
    { head: 0, topics: [] },
    {
      deliver: ({ seq }) => delivered.push(seq),
      gap: (gap) => gaps.push(gap),
      ask: (from, to) => asked.push([from, to]),
    },
  );
  const message = { topic: "t", seq: 10, prev: 9, atMs: 0, headers: {}, body: new Uint8Array() };
  core.message(message, 0);
  expect(asked).toEqual([[1, 9]]);
  core.replayed(
    [{ ...message, seq: 9, prev: 8 }],
    { from: 1, to: 9, oldest: 9, next: 10, holes: [] },
    1,
  );
  expect(gaps).toEqual([{ from: 1, to: 8 }]);
  expect(delivered).toEqual([9, 10]);
});

describe("topics", () => {
  test.each([
    ["a.b", "a.b", true],
    ["a.b", "a.c", false],
    ["a.*", "a.b", true],
    ["a.*", "a.b.c", false],
    ["a.>", "a.b.c", true],
    ["a.>", "a", false],
    [">", "anything.at.all", true],
    ["*.b", "a.b", true],
  ])("%s against %s is %s", (pattern, topic, expected) => {
    expect(matches(pattern, topic)).toBe(expected);
  });

  test("have a prefix that a socket can filter by", () => {
    expect(prefixOf("a.b.*")).toBe("a.b.");
    expect(prefixOf("a.b")).toBe("a.b");
    expect(prefixOf(">")).toBe("");
  });
});

test("what is known to be missing of a life that is over is told, and what waited for it comes", () => {
  const { put } = publisher();
  const [first, , , fourth] = ["a", "a", "a", "a"].map(put);
  put("b");
  const delivered: number[] = [];
  const gaps: unknown[] = [];
  const core = new FollowerCore(
    { head: 0, topics: [] },
    {
      deliver: ({ seq }) => delivered.push(seq),
      gap: (gap) => gaps.push(gap),
      ask: () => undefined,
    },
  );
  for (const message of [first, fourth]) if (message !== undefined) core.message(message, 0);
  core.beat({ head: 5, lasts: [["b", 5]] }, 10);
  expect(delivered).toEqual([1]);
  core.end();
  expect(gaps).toEqual([{ from: 1, to: 5 }]);
  expect(delivered).toEqual([1, 4]);
});
