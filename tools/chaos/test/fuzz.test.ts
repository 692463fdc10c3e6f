import { readFileSync } from "node:fs";
import { FUZZ_TARGETS, Fuzzer, type FuzzTarget } from "@zeroplane/link/testing";
import { describe, expect, test } from "vitest";
import { readCorpus, writeCorpus } from "../src/corpus.ts";

const INPUTS = 4_000;
const corpus = readCorpus(readFileSync(new URL("../corpus/link.txt", import.meta.url), "utf8"));

describe.each(FUZZ_TARGETS.map((target) => [target.name, target] as const))(
  "%s",
  (name, target) => {
    test("stands every input that was kept", () => {
      const fuzzer = new Fuzzer(target, 1);
      const kept = corpus.filter((entry) => entry.target === name);
      expect(kept.length).toBeGreaterThan(10);
      expect(kept.flatMap(({ input }) => fuzzer.feed(input) ?? [])).toEqual([]);
    });

    test("stands a few thousand inputs of strangers, in many ways", () => {
      const fuzzer = new Fuzzer(target, 7);
      for (let i = 0; i < INPUTS; i++) expect(fuzzer.step()).toBeUndefined();
      expect(fuzzer.outcomes().size).toBeGreaterThan(10);
    });
  },
);

test("a fuzzer finds what only a mutation of a mutation reaches, and says with what", () => {
  const lock: FuzzTarget = {
    name: "lock",
    make: () => [Buffer.from([0, 0])],
    run: ([piece]) => {
      if (piece?.[0] !== 0xc1) return "closed";
      if (piece[1] !== 0x91) return "half open";
      throw new Error("open");
    },
  };
  const fuzzer = new Fuzzer(lock, 1);
  let crash = fuzzer.step();
  for (let i = 0; i < 200_000 && crash === undefined; i++) crash = fuzzer.step();
  expect(crash?.error.message).toBe("open");
  expect(crash?.input[0]?.subarray(0, 2)).toEqual(Buffer.from([0xc1, 0x91]));
});

test("a corpus is read as it was written", () => {
  const entries = [
    { target: "a", input: [Buffer.from("x"), Buffer.alloc(0), Buffer.from([255])] },
    { target: "b", input: [Buffer.from("y")] },
  ];
  expect(readCorpus(writeCorpus(entries))).toEqual(entries);
});
