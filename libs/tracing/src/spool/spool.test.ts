import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { OPEN_KIND, type OpenReport, readOpenReport, writeOpenReport } from "../open-report.ts";
import { Leftovers } from "./leftovers.ts";
import { HOST, parseSpoolName } from "./names.ts";
import { readSpool, type SpoolMessage } from "./record.ts";
import { Spool } from "./spool.ts";

const MIB = 1024 * 1024;
/** No process has it. */
const DEAD = 2 ** 22 + 1;
const folder = (): string => mkdtempSync(join(tmpdir(), "zp-spool-"));
const about = (boot = "b1") => ({ resource: { "service.name": "shop" }, boot });

const message = (n: number, bytes = 10, spans = 1): SpoolMessage => ({
  kind: "calls",
  body: new Uint8Array(bytes).fill(n),
  spans,
  rank: 1,
  atMs: 1_000 + n,
});

const report = (names: readonly string[]): SpoolMessage => {
  const spans = names.map((name, n) => ({
    traceId: Buffer.alloc(16, 1),
    spanId: Buffer.alloc(8, n + 1),
    parentId: undefined,
    name,
    kind: 2,
    startMs: 1,
  }));
  const of = { ...about(), state: "alive", atMs: 1, everyMs: 1, open: names.length } as const;
  return { kind: OPEN_KIND, body: writeOpenReport({ ...of, spans }), spans: 0, rank: 0, atMs: 1 };
};

/** What is in the files of a folder, by number. */
const contents = (at: string) =>
  readdirSync(at)
    .toSorted()
    .map((name) => readSpool(readFileSync(join(at, name))));

/** Files of a process that is gone. */
function dead(at: string): void {
  for (const name of readdirSync(at)) {
    const { boot, number } = parseSpoolName(name) ?? { boot: "", number: 0 };
    writeFileSync(join(at, `${HOST}.${DEAD}.${boot}.${number}.zps`), readFileSync(join(at, name)));
    rmSync(join(at, name));
  }
}

/** What the next process sends. */
async function sent(at: string): Promise<{ bodies: number[]; reports: OpenReport[] }> {
  const bodies: number[] = [];
  const reports: OpenReport[] = [];
  const push = (kind: string, body: Uint8Array): void => {
    if (kind === OPEN_KIND) reports.push(readOpenReport(body));
    else bodies.push(body[0] as number);
  };
  await new Leftovers(at, "me", { push }).send();
  return { bodies, reports };
}

test("what was written is read again, in its order", () => {
  const at = folder();
  using spool = new Spool({ folder: at, about: about() });
  spool.write([message(1), message(2)]);
  spool.write([message(3)]);
  const [content] = contents(at);
  expect(content?.head).toEqual({ ...about(), dropped: 0 });
  expect(content?.messages).toEqual([message(1), message(2), message(3)]);
  expect(content?.tornBytes).toBe(0);
});

test("a file that is cut anywhere gives what is whole, and the rest as bytes", () => {
  const at = folder();
  using spool = new Spool({ folder: at, about: about() });
  spool.write([message(1), message(2)]);
  const bytes = readFileSync(join(at, readdirSync(at)[0] ?? ""));
  const ends = [1, 2].map((n) => readSpool(bytes).messages.slice(0, n).length);
  expect(ends).toEqual([1, 2]);
  for (let cut = 0; cut < bytes.length; cut++) {
    const { messages, tornBytes } = readSpool(bytes.subarray(0, cut));
    expect(messages).toEqual([message(1), message(2)].slice(0, messages.length));
    expect(tornBytes).toBeLessThanOrEqual(cut);
    const changed = Buffer.from(bytes);
    changed[cut] = (changed[cut] as number) ^ 0xff;
    expect(readSpool(changed).messages.length).toBeLessThan(3);
    expect(readSpool(changed).tornBytes).toBeGreaterThan(0);
  }
});

test("it has two files of 4 MiB at most, and counts what was in one that went", () => {
  const at = folder();
  using spool = new Spool({ folder: at, about: about() });
  for (let n = 1; n <= 20; n++) spool.write([message(n, MIB - 100, 10)]);
  const files = contents(at);
  expect(files).toHaveLength(2);
  expect(spool.bytes).toBeLessThanOrEqual(8 * MIB);
  const kept = files.flatMap(({ messages }) => messages).length;
  expect(spool.dropped).toBe((20 - kept) * 10);
  expect(files.at(-1)?.head?.dropped).toBe(spool.dropped);
});

test("what has left is removed after a while, but for what has not ended", {
  timeout: 20_000,
}, async () => {
  const at = folder();
  using spool = new Spool({ folder: at, about: about() });
  spool.write([message(1)]);
  spool.writeOpen(report(["hangs"]));
  expect(spool.settle()).toBe(false);
  await sleep(2_100);
  expect(spool.settle()).toBe(false);
  expect(contents(at)[0]?.messages).toHaveLength(2);
  spool.left();
  expect(spool.settle()).toBe(false);
  expect(contents(at).map(({ messages }) => messages.map(({ kind }) => kind))).toEqual([
    [OPEN_KIND],
  ]);
  spool.writeOpen(undefined);
  await sleep(2_100);
  spool.left();
  expect(spool.settle()).toBe(true);
  expect(readdirSync(at)).toEqual([]);
});

test("a folder that cannot be written costs nothing but what is counted", () => {
  const at = folder();
  writeFileSync(join(at, "file"), "");
  chmodSync(at, 0o500);
  using spool = new Spool({ folder: join(at, "file", "below"), about: about() });
  spool.write([message(1, 10, 3)]);
  spool.write([message(2, 10, 4)]);
  expect(spool.failed).toBe(7);
});

test("the next process sends all lives, the oldest file first, and tells of each", {
  timeout: 20_000,
}, async () => {
  const at = folder();
  for (const boot of ["b1", "b2"]) {
    using spool = new Spool({ folder: at, about: about(boot) });
    for (let n = 1; n <= 5; n++) spool.write([message(n, MIB - 100)]);
    if (boot === "b1") spool.writeOpen(report(["first"]));
    if (boot === "b1") spool.writeOpen(report(["hangs", "below"]));
  }
  dead(at);
  appendFileSync(join(at, readdirSync(at).find((name) => name.includes(".b2.1.")) ?? ""), "torn");
  const { bodies, reports } = await sent(at);
  expect(bodies).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
  const [one, two] = reports.toSorted((a, b) => a.boot.localeCompare(b.boot));
  expect(one).toMatchObject({ boot: "b1", state: "gone", hole: { spans: 0, bytes: 0 } });
  expect(one?.spans.map(({ name }) => name)).toEqual(["hangs", "below"]);
  expect(two).toMatchObject({
    boot: "b2",
    state: "gone",
    spans: [],
    hole: { bytes: 4, sinceMs: 1_005 },
  });
  expect(readdirSync(at)).toEqual([]);
});

test("of more than 64 MiB the oldest are given up, and their spans counted", {
  timeout: 30_000,
}, async () => {
  const at = folder();
  for (let life = 0; life < 20; life++) {
    using spool = new Spool({ folder: at, about: about(`b${life}`) });
    for (let n = 0; n < 4; n++) spool.write([message(life, MIB - 100, 5)]);
    await sleep(5);
  }
  dead(at);
  const { bodies, reports } = await sent(at);
  const lost = reports.reduce((sum, { hole }) => sum + (hole?.spans ?? 0), 0);
  expect(bodies.length).toBeGreaterThan(55);
  expect(bodies.length * 5 + lost).toBe(20 * 4 * 5);
});

test("files that are none of a spool stay, and one that makes no sense does no harm", async () => {
  const at = folder();
  writeFileSync(join(at, "notes.txt"), "mine");
  writeFileSync(join(at, `${HOST}.${DEAD}.b1.0.zps`), "nothing of use");
  const { bodies, reports } = await sent(at);
  expect(bodies).toEqual([]);
  expect(reports).toMatchObject([{ boot: "b1", hole: { spans: 0, bytes: 14 } }]);
  expect(readdirSync(at)).toEqual(["notes.txt"]);
});
