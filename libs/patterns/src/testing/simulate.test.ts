import { expect, test } from "vitest";
import { simulateFeed, simulatePeers, simulatePipe, simulateState } from "./index.ts";

const SEEDS = 40;

test.each([
  ["feed", simulateFeed],
  ["state", simulateState],
  ["pipe", simulatePipe],
  ["peers", simulatePeers],
])(
  "%s keeps its promises through simulated faults, and a seed plays again the same",
  async (_name, simulate) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = await simulate(seed);
      expect(run.failure, `seed ${seed}`).toBeUndefined();
      expect(run.records).toBeGreaterThan(0);
    }
    expect(await simulate(7)).toEqual(await simulate(7));
  },
  30_000,
);
