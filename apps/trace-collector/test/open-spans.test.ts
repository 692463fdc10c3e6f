import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { collectPipe } from "@zeroplane/patterns";
import { expect, test } from "vitest";
import type { LiveSpans, OpenPage } from "../src/api.ts";
import { TraceServer } from "../src/http/trace-server.ts";
import { TraceStore } from "../src/store/trace-store.ts";
import type { Trace } from "../src/trace.ts";
import { Traces } from "../src/traces.ts";

const FIXTURE = fileURLToPath(new URL("fixtures/traced-process.ts", import.meta.url));
const EVERY_MS = 300;

/** A store with its pipe and its API. */
async function collector(): Promise<AsyncDisposable & { pipe: string; url: string }> {
  const store = new TraceStore({
    data: mkdtempSync(join(tmpdir(), "zp-open-")),
    retention: { ms: 3_600_000, bytes: 1e9 },
  });
  const pipe = await collectPipe({
    bind: "tcp://127.0.0.1:*",
    onMessage: ({ kind }, body) => void store.add({ kind, body }).catch(() => undefined),
  });
  const server = new TraceServer(store, new Traces(store, () => pipe.stats()));
  const port = await server.listen(0, "127.0.0.1");
  return {
    pipe: `tcp://127.0.0.1:${pipe.port}`,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await pipe.close();
      await server[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

async function startedAt(pipe: string): Promise<ChildProcess> {
  const args = ["-C", "@zeroplane/source", FIXTURE, pipe, String(EVERY_MS)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  return child;
}

/** What `/api/live` says of what has not ended, until it says `state`. */
async function watchFor(url: string, state: "open" | "lost"): Promise<OpenPage> {
  const stop = AbortSignal.timeout(15_000);
  const response = await fetch(`${url}/api/live`, { signal: stop });
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
  await using at = await collector();
  const child = await startedAt(at.pipe);
  const exited = once(child, "exit");
  const { rows } = await watchFor(at.url, "open");
  expect(rows.map(({ operation, node }) => [operation, node])).toEqual([
    ["checkout", "shop-1"],
    ["reserve", "shop-1"],
  ]);
  const traceId = rows[0]?.traceId ?? "";
  const trace = async (): Promise<Trace> =>
    (await (await fetch(`${at.url}/api/traces/${traceId}?format=view`)).json()) as Trace;
  const states = async (): Promise<unknown> =>
    (await trace()).spans.map(({ name, unfinished }) => [name, unfinished]);
  await expect.poll(states).toEqual([
    ["checkout", "open"],
    ["price", undefined],
    ["reserve", "open"],
  ]);
  const { spans, criticalPath } = await trace();
  expect(spans[2]?.parentId).toBe(spans[0]?.spanId);
  expect(criticalPath.at(-1)?.spanId).toBe(spans[2]?.spanId);
  child.kill("SIGKILL");
  await exited;
  const after = await watchFor(at.url, "lost");
  expect(after).toMatchObject({ open: 0, lost: 2 });
  expect(await states()).toEqual([
    ["checkout", "lost"],
    ["price", undefined],
    ["reserve", "lost"],
  ]);
  const page = (await (await fetch(`${at.url}/api/open?limit=1`)).json()) as OpenPage;
  expect(page).toMatchObject({ open: 0, lost: 2, rows: [{ operation: "checkout" }] });
  const health = (await (await fetch(`${at.url}/api/health`)).json()) as object;
  expect(health).toMatchObject({ lost: 2, open: 0, openForgotten: 0, holes: [] });
});
