import { readSkeleton } from "@zeroplane/tracing/model";
import { expect, test } from "vitest";
import type { LiveSpans, OpenPage } from "../src/api.ts";
import type { Trace } from "../src/trace.ts";
import { collectorAt, killed, traced } from "./fixtures/collector.ts";

const EVERY_MS = 300;

/** What `/api/live` says of what has not ended, until it says `state`. */
async function watchFor(url: string, state: "open" | "lost"): Promise<OpenPage> {
  const response = await fetch(`${url}/api/live`, { signal: AbortSignal.timeout(15_000) });
  let text = "";
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(part).toString();
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const { open } = JSON.parse(event.slice("data: ".length)) as LiveSpans;
      if (open?.rows.some((row) => row.state === state) === true) return open;
    }
  }
  throw new Error(`nobody said ${state}`);
}

test("a hung call shows while it hangs, and as lost when its process is killed", {
  timeout: 40_000,
}, async () => {
  await using at = await collectorAt();
  const child = await traced({ pipe: at.pipe, openEveryMs: EVERY_MS, hangs: true });
  const { rows } = await watchFor(at.url, "open");
  expect(rows.map(({ operation, node }) => [operation, node])).toEqual([
    ["checkout", "shop-1"],
    ["reserve", "shop-1"],
  ]);
  const traceId = rows[0]?.traceId ?? "";
  const trace = (): Promise<Trace> => at.get<Trace>(`/api/traces/${traceId}?format=view`);
  const states = async (): Promise<unknown> =>
    (await trace()).spans.map(({ name, unfinished }) => [name, unfinished]);
  await expect.poll(states, { timeout: 10_000 }).toEqual([
    ["checkout", "open"],
    ["price", undefined],
    ["reserve", "open"],
  ]);
  const drawn = await fetch(`${at.url}/api/traces/${traceId}?format=skeleton`);
  const { operation, operations } = readSkeleton(await drawn.arrayBuffer());
  const named = Array.from(operation, (place) => operations[place]?.name);
  expect(named.toSorted()).toEqual(["checkout", "price", "reserve"]);
  const { spans, criticalPath } = await trace();
  expect(spans[2]?.parentId).toBe(spans[0]?.spanId);
  expect(criticalPath.at(-1)?.spanId).toBe(spans[2]?.spanId);
  await killed(child);
  const after = await watchFor(at.url, "lost");
  expect(after).toMatchObject({ open: 0, lost: 2 });
  expect(await states()).toEqual([
    ["checkout", "lost"],
    ["price", undefined],
    ["reserve", "lost"],
  ]);
  expect(await at.get<OpenPage>("/api/open?limit=1")).toMatchObject({
    open: 0,
    lost: 2,
    rows: [{ operation: "checkout" }],
  });
  expect(await at.health()).toMatchObject({ lost: 2, open: 0, openForgotten: 0, holes: [] });
});
