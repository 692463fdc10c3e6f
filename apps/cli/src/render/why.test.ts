import type { SpanView } from "@zeroplane/trace-collector";
import { expect, test } from "vitest";
import { Style } from "./style.ts";
import { whyLines } from "./why.ts";
import { type Why, whyOf } from "./why-of.ts";

const span = (
  spanId: string,
  parentId: string,
  at: readonly [number, number],
  more = {},
): SpanView => ({
  spanId,
  ...(parentId !== "" && { parentId }),
  service: spanId,
  node: `${spanId}-1`,
  name: "work",
  kind: "server",
  startMs: 1_000 + at[0],
  durationMs: at[1] - at[0],
  selfMs: 0,
  attributes: {},
  links: [],
  ...more,
});

const why = (...spans: SpanView[]): Why =>
  whyOf({ traceId: "ab", spans, logs: [], criticalPath: [] });
const lines = (...spans: SpanView[]): string =>
  whyLines(why(...spans), new Style(false)).join("\n");

test("says what was waited for in order, and what took the time itself", () => {
  const text = lines(
    span("web", "", [0, 100]),
    span("db", "web", [10, 80]),
    span("log", "web", [20, 40]),
  );
  expect(text).toMatch(
    /in order\n\s+web work +10 ms +10\.0 %.*\n\s+db work +70 ms +70\.0 %.*\n\s+web work +20 ms +20\.0 %/,
  );
  expect(text).toMatch(
    /what it called\n\s+db work +70 ms.*\n\s+web work +30 ms.*\n\s+log work +20 ms/,
  );
  expect(text).not.toContain("what failed");
});

test("of calls at the same time, what their caller was blocked on counts", () => {
  const waited = (ms: number): object => ({ attributes: { "zp.await_ns": ms * 1e6 } });
  const text = lines(
    span("web", "", [0, 100]),
    span("db", "web", [0, 80], waited(30)),
    span("cache", "web", [5, 70], waited(0)),
    span("audit", "web", [5, 95], { attributes: { "zp.unawaited": true } }),
  );
  expect(text).toMatch(
    /in order\n\s+web work +50 ms .*\n\s+db work +30 ms .*\n\s+web work +20 ms .*\n\n/,
  );
});

test("shows a failure once, from where it began, with the traceback of the root", () => {
  const failed = (stack?: string): object => ({
    error: { type: "ERR_NO_STOCK", message: "no tea" },
    attributes: {
      ...(stack !== undefined && { "exception.stacktrace": stack }),
      ...(stack !== "RangeError: no tea" && { "zp.error.origin": "shelf" }),
    },
  });
  const text = lines(
    span(
      "web",
      "",
      [0, 9],
      failed("Error: no tea\n    at a (/srv/web.ts:1:2)\n    at node:internal/x:1:1"),
    ),
    span("shelf", "web", [1, 8], failed("RangeError: no tea")),
    span("audit", "", [20, 21], failed()),
  );
  expect(text.split("ERR_NO_STOCK: no tea")).toHaveLength(2);
  expect(text).toMatch(
    /began in shelf work shelf-1\n\s+through web work web-1\n\s+also told to audit/,
  );
  expect(text).toContain("at a (/srv/web.ts:1:2)");
  expect(text).toContain("… 1 library frame");
});

test("the same as data: parts that make up the whole, own time by operation, failures with their spans", () => {
  const error = { error: { type: "ERR_NO_STOCK", message: "no tea" } };
  const stack = { attributes: { "exception.stacktrace": "Error: no tea", "zp.error.origin": "x" } };
  const found = why(
    span("web", "", [0, 100], { ...error, ...stack }),
    span("db", "web", [10, 80], error),
  );
  expect(found).toMatchObject({
    traceId: "ab",
    service: "web",
    operation: "work",
    durationMs: 100,
  });
  expect(found.waitedFor.map(({ service, atMs, ms }) => [service, atMs, ms])).toEqual([
    ["web", 0, 10],
    ["db", 10, 70],
    ["web", 80, 20],
  ]);
  expect(found.tookTime).toEqual([
    { service: "db", operation: "work", spans: 1, selfMs: 70 },
    { service: "web", operation: "work", spans: 1, selfMs: 30 },
  ]);
  const hop = (service: string) => ({
    spanId: service,
    service,
    node: `${service}-1`,
    operation: "work",
  });
  expect(found.failed).toEqual([
    {
      ...error.error,
      origin: hop("db"),
      through: [hop("web")],
      also: [],
      stack: "Error: no tea",
    },
  ]);
});
