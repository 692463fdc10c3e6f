import { setTimeout as sleep } from "node:timers/promises";
import { encode } from "@zeroplane/link";
import { connect, serve } from "@zeroplane/rpc";
import { expect, test } from "vitest";
import { inSpan, startTracing, tracingInterceptor } from "./index.ts";
import { OPEN_KIND, type OpenReport, readOpenReport, writeOpenReport } from "./open-report.ts";

const interceptors = [tracingInterceptor];
const EVERY_MS = 100;

function started(): { reports: OpenReport[]; tracing: ReturnType<typeof startTracing> } {
  const reports: OpenReport[] = [];
  const push = (kind: string, body: Uint8Array): void => {
    if (kind === OPEN_KIND) reports.push(readOpenReport(body));
  };
  const tracing = startTracing({
    service: "shop",
    node: "shop-1",
    sink: { push },
    openEveryMs: EVERY_MS,
  });
  return { reports, tracing };
}

const names = (report: OpenReport | undefined): string[] | undefined =>
  report?.spans.map(({ name }) => name);

test("what has not ended is told again and again, and that it has ended once", async () => {
  const { reports, tracing } = started();
  await using _tracing = tracing;
  const target = { hang: (ms: number) => sleep(ms, ms), quick: () => 1 };
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  await inSpan("checkout", {}, async () => {
    const hanging = client.hang(700);
    for (let i = 0; i < 50; i++) await client.quick();
    await hanging;
  });
  const told = reports.length;
  expect(told).toBeGreaterThan(2);
  const last = reports[told - 1];
  expect(names(last)).toEqual(["checkout", "hang", expect.stringMatching(/\.hang$/)]);
  expect(last).toMatchObject({
    state: "alive",
    open: 3,
    everyMs: EVERY_MS,
    boot: reports[0]?.boot,
  });
  expect(last?.resource).toMatchObject({ "service.name": "shop", "process.pid": process.pid });
  const [checkout, hang, handler] = last?.spans ?? [];
  expect(checkout?.parentId).toBeUndefined();
  expect(hang?.parentId).toEqual(checkout?.spanId);
  expect(handler?.parentId).toEqual(hang?.spanId);
  expect([checkout?.kind, hang?.kind, handler?.kind]).toEqual([1, 3, 2]);
  expect(Math.abs((last?.atMs ?? 0) - Date.now())).toBeLessThan(5_000);
  await sleep(3 * EVERY_MS);
  expect(reports.slice(told).map(names)).toEqual([[]]);
});

test("what is open when tracing ends is told to stay so", async () => {
  const { reports, tracing } = started();
  void inSpan("forgotten", {}, () => new Promise(() => undefined));
  await tracing[Symbol.asyncDispose]();
  expect(reports).toMatchObject([{ state: "gone", open: 1 }]);
  expect(names(reports[0])).toEqual(["forgotten"]);
});

test("of many the longest open are told, and how many there are", async () => {
  const { reports, tracing } = started();
  for (let i = 0; i < 1_500; i++) void inSpan(`s${i}`, {}, () => new Promise(() => undefined));
  await sleep(3 * EVERY_MS);
  await tracing[Symbol.asyncDispose]();
  expect(reports.at(-2)).toMatchObject({ state: "alive", open: 1_500 });
  expect(names(reports.at(-2))).toEqual(Array.from({ length: 1_000 }, (_, i) => `s${i}`));
});

const report: OpenReport = {
  resource: {},
  boot: "b",
  state: "alive",
  atMs: 1,
  everyMs: 1,
  open: 0,
  spans: [],
};

test.each([
  ["nothing", encode(null)],
  ["no state", encode({ ...report, state: "well" })],
  ["no time", encode({ ...report, atMs: -1 })],
  ["a span without id", encode({ ...report, spans: [[new Uint8Array(16), "", null, "a", 1, 1]] })],
  ["too many spans", encode({ ...report, spans: Array.from({ length: 1_001 }, () => []) })],
  ["half a hole", encode({ ...report, hole: { spans: 1 } })],
])("a report of %s is refused", (_what, bytes) => {
  expect(() => readOpenReport(bytes)).toThrow(RangeError);
  expect(readOpenReport(writeOpenReport(report))).toEqual({ ...report, hole: undefined });
});
