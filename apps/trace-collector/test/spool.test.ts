import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { OpenPage, SearchPage } from "../src/api.ts";
import {
  type Collector,
  collectorAt,
  folder,
  freePort,
  killed,
  traced,
} from "./fixtures/collector.ts";

const CALLS = 200;
/** Two of each call, one beside it, and the one around all. */
const SPANS = 3 * CALLS + 1;
const TIMEOUT = { timeout: 40_000 };
/** Longer than a flush. */
const WAIT_MS = 600;

const address = async (): Promise<string> => `tcp://127.0.0.1:${await freePort()}`;
const portOf = (pipe: string): number => Number(pipe.split(":").at(-1));
const spansIn = async (at: Collector): Promise<number> => (await at.health()).spans;
const poll = (read: () => Promise<unknown>) => expect.poll(read, { timeout: 15_000 });

test(
  "what a process had recorded when it was killed is sent by the next one",
  TIMEOUT,
  async () => {
    const [pipe, spool] = [await address(), folder()];
    // Nobody is there: all that it has recorded is in its memory, and in its spool.
    await killed(await traced({ pipe, spool, calls: CALLS, hangs: true, waitMs: 1_500 }));
    expect(readdirSync(spool)).toHaveLength(1);
    await using at = await collectorAt(portOf(pipe));
    const next = await traced({ pipe, spool });
    await poll(() => spansIn(at)).toBe(SPANS + 1);
    await poll(() => at.get<OpenPage>("/api/open")).toMatchObject({
      open: 0,
      lost: 2,
      rows: [{ operation: "checkout" }, { operation: "reserve" }],
    });
    const { holes, duplicates } = await at.health();
    expect(duplicates).toBe(0);
    expect(holes).toMatchObject([{ service: "shop", node: "shop-1", spans: 0, bytes: 0 }]);
    expect(Math.abs((holes[0]?.sinceMs ?? 0) - Date.now())).toBeLessThan(30_000);
    // And no more than once.
    await poll(async () => readdirSync(spool)).toEqual([]);
    await killed(next);
  },
);

test(
  "what has come already is not stored twice, and a spool that is sent is gone",
  TIMEOUT,
  async () => {
    await using at = await collectorAt();
    const [{ pipe }, spool] = [at, folder()];
    await killed(await traced({ pipe, spool, calls: CALLS, waitMs: WAIT_MS }));
    await poll(() => spansIn(at)).toBe(SPANS);
    expect(readdirSync(spool)).toHaveLength(1);
    const next = await traced({ pipe, spool, calls: 1, waitMs: WAIT_MS });
    await poll(async () => (await at.health()).duplicates).toBe(SPANS);
    await poll(() => spansIn(at)).toBe(SPANS + 4);
    // The next one's own spool goes as well when it has nothing more to send.
    await poll(async () => readdirSync(spool)).toEqual([]);
    await killed(next);
  },
);

test(
  "bytes of a write that was cut off are counted, and cost nothing before them",
  TIMEOUT,
  async () => {
    const [pipe, spool] = [await address(), folder()];
    await killed(await traced({ pipe, spool, calls: CALLS, waitMs: WAIT_MS }));
    const [file = ""] = readdirSync(spool);
    appendFileSync(join(spool, file), Buffer.from([200, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]));
    await using at = await collectorAt(portOf(pipe));
    const next = await traced({ pipe, spool });
    await poll(() => spansIn(at)).toBe(SPANS);
    await poll(async () => (await at.health()).holes).toMatchObject([{ spans: 0, bytes: 11 }]);
    await killed(next);
  },
);

test("the spool of a process that lives is left alone", TIMEOUT, async () => {
  const [pipe, spool] = [await address(), folder()];
  const lives = await traced({ pipe, spool, calls: CALLS, waitMs: WAIT_MS });
  const before = readdirSync(spool);
  const next = await traced({ pipe, spool, waitMs: WAIT_MS });
  expect(readdirSync(spool)).toEqual(before);
  await killed(lives);
  await killed(next);
});

test.each(["exit", "throw"] as const)(
  "what was recorded just before process.exit or an error (%s) is sent by the next one",
  TIMEOUT,
  async (exit) => {
    const [pipe, spool] = [await address(), folder()];
    const first = await traced({ pipe, spool, calls: CALLS, exit });
    await expect.poll(() => first.exitCode).toBe(exit === "exit" ? 0 : 1);
    await using at = await collectorAt(portOf(pipe));
    const next = await traced({ pipe, spool });
    await poll(() => spansIn(at)).toBe(SPANS);
    await killed(next);
  },
);

test("SIGTERM sends what there is, and ends the process as it would have", TIMEOUT, async () => {
  await using at = await collectorAt();
  const child = await traced({ pipe: at.pipe, calls: CALLS });
  await killed(child, "SIGTERM");
  expect(child.signalCode).toBe("SIGTERM");
  await poll(() => spansIn(at)).toBe(SPANS);
});

test("a process that stops by its own rules is left to them", TIMEOUT, async () => {
  await using at = await collectorAt();
  const child = await traced({ pipe: at.pipe, calls: CALLS, stopsSlowly: true });
  await killed(child, "SIGTERM");
  expect(child.exitCode).toBe(7);
  await poll(() => spansIn(at)).toBe(SPANS);
});

test("a process that has nothing left to do sends what there is", TIMEOUT, async () => {
  await using at = await collectorAt();
  const child = await traced({ pipe: at.pipe, calls: CALLS, exit: "empty" });
  await poll(() => spansIn(at)).toBe(SPANS);
  await killed(child);
  const { rows } = await at.get<SearchPage>("/api/search?of=spans&operation=work");
  expect(rows).toHaveLength(1);
});
