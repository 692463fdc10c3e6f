import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@zeroplane/rpc";
import type { SearchPage } from "@zeroplane/trace-collector/api";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  existsSync,
);
const APPS = fileURLToPath(new URL("../../", import.meta.url));
const HOPS = ["web", "orders", "stock", "shelf"];
const START_MS = 30_000;

const children: ChildProcess[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** Starts a service of the platform as it is started everywhere. */
function start(script: string, env: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(process.execPath, ["-C", "@zeroplane/source", join(APPS, script)], {
    env: { PATH: process.env["PATH"] ?? "", ZP_LOG_LEVEL: "fatal", ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.push(child);
  return child;
}

let url = "";
let otlp = "";
let first = "";
let pipes = "";
let browser: Browser;
let page: Page;
const problems: string[] = [];

async function startAll(): Promise<void> {
  const [queries, pipe, traces, http, ...hops] = await Promise.all(
    Array.from({ length: 4 + HOPS.length }, freePort),
  );
  const tcp = (port: number | undefined): string => `tcp://127.0.0.1:${port}`;
  const data = mkdtempSync(join(tmpdir(), "zp-pages-"));
  const collector = {
    ZP_DATA: data,
    ZP_PIPE: tcp(pipe),
    ZP_BIND: tcp(queries),
    ZP_HTTP_PORT: String(traces),
  };
  start("trace-collector/src/main.ts", collector);
  for (const [i, node] of HOPS.entries()) {
    const next = hops[i + 1];
    start("console/src/fixtures/hop.ts", {
      ZP_NODE: node,
      ZP_BIND: tcp(hops[i]),
      ZP_TRACES: tcp(pipe),
      ...(next !== undefined && { NEXT: tcp(next) }),
    });
  }
  const nobody = tcp(await freePort());
  start("console/src/main.ts", {
    ZP_HTTP_PORT: String(http),
    ZP_DEPLOY_API: nobody,
    ZP_LOG_QUERIES: nobody,
    ZP_TRACE_QUERIES: tcp(queries),
    ZP_TRACE_HTTP: `http://127.0.0.1:${traces}/`,
  });
  url = `http://127.0.0.1:${http}`;
  otlp = `http://127.0.0.1:${traces}`;
  first = tcp(hops[0]);
  pipes = tcp(pipe);
}

const text = (key: string, stringValue: string): object => ({ key, value: { stringValue } });

/** Sends OTLP of one service to the collector. */
async function send(
  signal: "traces" | "logs",
  records: readonly object[],
  service = "kiln",
): Promise<void> {
  const resource = { attributes: [text("service.name", service)] };
  const body =
    signal === "traces"
      ? { resourceSpans: [{ resource, scopeSpans: [{ spans: records }] }] }
      : { resourceLogs: [{ resource, scopeLogs: [{ logRecords: records }] }] };
  const headers = { "content-type": "application/json" };
  const sent = JSON.stringify(body);
  const answer = await fetch(`${otlp}/v1/${signal}`, { method: "POST", headers, body: sent });
  expect(await answer.json()).toEqual({});
}

const inChromium = describe.skipIf(CHROMIUM === undefined);

inChromium("the trace pages, in Chromium", { timeout: 2 * START_MS }, () => {
  beforeAll(async () => {
    await startAll();
    browser = await chromium.launch({
      executablePath: CHROMIUM ?? "",
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
    await using client = connect<{ stock: { reserve(what: string): Promise<number> } }>(first);
    await expect(client.stock.reserve("tea")).rejects.toThrow("no tea left");
    const found = async (): Promise<number> => {
      const answer = await fetch(`${url}/api/search?error=true`).catch(() => undefined);
      const page = answer?.ok ? ((await answer.json()) as SearchPage) : undefined;
      return page?.rows[0]?.trace?.spans ?? 0;
    };
    await vi.waitUntil(async () => (await found()) === 2 * HOPS.length - 1, {
      timeout: START_MS,
      interval: 200,
    });
  }, 2 * START_MS);

  beforeEach(async () => {
    await page?.close();
    page = await browser.newPage();
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (said) => {
      if (said.type() === "error") problems.push(said.text());
    });
    await page.goto(`${url}/traces?error=true`);
    await page.getByRole("link", { name: "stock.reserve" }).click();
    await page.getByRole("treegrid").waitFor();
  });

  afterAll(async () => {
    await browser?.close();
    for (const child of children) child.kill();
    expect(problems).toEqual([]);
  });

  test("show a failure through four processes as one traceback, with files and lines", async () => {
    await page.getByRole("tab", { name: /Traceback/ }).click();
    const failure = page.getByRole("article");
    await failure.waitFor();
    expect(await failure.getByRole("heading").textContent()).toContain("no tea left");
    const traceback = (await failure.locator(".frames").textContent()) ?? "";
    const frame = String.raw`at (async )?Stock\.reserve \(\S*hop\.ts:\d+:\d+\)`;
    const border = (node: string): string => String.raw`--- remote: ${node}\.stock\.reserve .*---`;
    const [, ...behind] = HOPS;
    const expected = [
      "RangeError: no tea left",
      frame,
      ...behind.flatMap((node) => [border(node), frame]),
    ];
    expect(traceback).toMatch(new RegExp(expected.join(String.raw`(\s|… \d+ library frames?)+`)));
    const hops = await failure.getByRole("listitem").allTextContents();
    expect(hops).toHaveLength(2 * HOPS.length - 1);
    for (const [i, node] of HOPS.toReversed().entries()) {
      expect(hops[Math.max(0, 2 * i - 1)]).toContain(node);
    }
  });

  test("show the spans as a tree that keys walk through, and the address says where", async () => {
    const rows = page.getByRole("row").filter({ has: page.locator(".bar") });
    expect(await rows.count()).toBe(2 * HOPS.length - 1);
    const levels = await rows.evaluateAll((all) => all.map((row) => row.ariaLevel));
    expect(levels).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    for (let i = 0; i < 3; i++) await page.keyboard.press("j");
    const panel = page.getByRole("complementary");
    expect(await panel.textContent()).toContain("orders");
    await page.keyboard.press("h");
    expect(await rows.count()).toBe(3);
    await page.goto(page.url());
    await panel.waitFor();
    expect(await rows.count()).toBe(3);
    expect(await page.locator(".row.selected").getAttribute("aria-level")).toBe("3");
    await page.getByRole("button", { name: "Collapse all" }).click();
    expect(new URL(page.url()).searchParams.get("collapsed")).toBe("all");
    expect(await rows.count()).toBe(2);
    await page.keyboard.press("]");
    expect(await rows.count()).toBe(2 * HOPS.length - 1);
    await page.keyboard.press("z");
    await expect.poll(() => new URL(page.url()).searchParams.has("from")).toBe(true);
  });

  test("show operations, errors by where they began, and who calls whom", async () => {
    const open = (name: string): Promise<void> =>
      page.getByRole("link", { name, exact: true }).click();
    await open("Operations");
    const row = page.getByRole("row").filter({ hasText: "shelf shelf.stock.reserve" });
    await row.waitFor();
    expect(await row.textContent()).toContain("100 %");
    await open("Errors");
    const error = page.getByRole("article");
    await error.waitFor();
    expect(await error.count()).toBe(1);
    expect(await error.textContent()).toMatch(/RangeError: no tea left.*shelf.*also seen by/s);
    const now = `${Date.now()}000000`;
    const about = { startTimeUnixNano: now, endTimeUnixNano: now };
    const put = {
      ...about,
      traceId: "a".repeat(32),
      spanId: "b".repeat(16),
      name: "send",
      kind: 4,
    };
    const got = { ...about, traceId: "c".repeat(32), spanId: "d".repeat(16), name: "get", kind: 5 };
    const missed = { key: "zp.missed", value: { intValue: "37" } };
    await send("traces", [put], "press");
    await send("traces", [{ ...got, links: [put], attributes: [missed] }], "reader");
    await open("Map");
    const drawing = page.getByRole("group", { name: /who uses whom/ });
    await drawing
      .getByRole("link", { name: /press → reader: 1 feed.*37 did not arrive/ })
      .waitFor();
    expect(await drawing.locator(".feed.failed text").textContent()).toMatch(/late −37$/);
    expect(await page.getByRole("row", { name: /press → reader/ }).textContent()).toMatch(/37$/);
    await page.keyboard.press("j");
    expect(await page.locator(":focus").textContent()).toContain(" → ");
    for (const [i, to] of HOPS.entries()) {
      if (i === 0) continue;
      await page.getByRole("cell", { name: `${HOPS[i - 1]} → ${to}`, exact: true }).waitFor();
    }
  });

  test("show the logs of a trace at their span, by severity and text, and in the panel", async () => {
    await page.keyboard.press("j");
    const address = new URL(page.url());
    const record = {
      traceId: address.pathname.split("/").at(-1),
      spanId: address.searchParams.get("span"),
      timeUnixNano: `${Date.now()}000000`,
    };
    await send("logs", [
      { ...record, severityNumber: 17, body: { stringValue: "the shelf broke" } },
      { ...record, severityNumber: 5, body: { stringValue: "looked at the shelf" } },
    ]);
    await page.reload();
    const panel = page.getByRole("complementary");
    await panel.getByText("the shelf broke").waitFor();
    await page.keyboard.press("g");
    const lines = page.getByRole("tabpanel").getByRole("listitem");
    await expect.poll(() => lines.count()).toBe(2);
    await page.getByLabel("At least").selectOption("warn");
    await expect.poll(() => lines.allTextContents()).toEqual([expect.stringContaining("broke")]);
    await page.getByLabel("Find in spans").fill("looked");
    await expect.poll(() => lines.count()).toBe(0);
  });

  test("explain the outliers in a box that is dragged over the heatmap, or moved by keys", async () => {
    const spans = Array.from({ length: 60 }, (_, n) => {
      const isSlow = n >= 50;
      const startMs = Date.now() - 60_000 * (1 + n / 2);
      return {
        traceId: (n + 1).toString(16).padStart(32, "0"),
        spanId: (n + 1).toString(16).padStart(16, "0"),
        name: "fire",
        kind: 2,
        startTimeUnixNano: `${Math.round(startMs)}000000`,
        endTimeUnixNano: `${Math.round(startMs) + (isSlow ? 3_000 : 10)}000000`,
        attributes: [text("clay", isSlow ? "wet clay" : "dry")],
      };
    });
    await send("traces", spans);
    await page.goto(`${url}/traces?service=kiln`);
    const map = page.getByRole("img", { name: /by time and duration/ });
    const { x, y, width, height } = (await map.boundingBox()) ?? expect.fail("no heatmap");
    await page.mouse.move(x + 2, y + 2);
    await page.mouse.down();
    await page.mouse.move(x + width - 2, y + height / 2, { steps: 3 });
    await page.mouse.up();
    const clay = page.getByRole("row").filter({ hasText: "clay = wet clay" });
    await clay.waitFor();
    expect(await clay.textContent()).toMatch(/100 %.*0 %/);
    await clay.getByRole("link").click();
    await page.getByText("10 of 10 traces").waitFor();
    const box = (): string | null => new URL(page.url()).searchParams.get("box");
    const dragged = box();
    expect(dragged).toMatch(/^[\d.]+(,[\d.]+){3}$/);
    await map.focus();
    await page.keyboard.press("ArrowDown");
    expect(box()).not.toBe(dragged);
    await page.keyboard.press("Escape");
    expect(box()).toBeNull();
  });

  test("show live what has not ended and what ends, by text, and hold still when told to", async () => {
    const at = `tcp://127.0.0.1:${await freePort()}`;
    const attic = start("console/src/fixtures/hop.ts", {
      ZP_NODE: "attic",
      ZP_BIND: at,
      ZP_TRACES: pipes,
    });
    await using client = connect<{ stock: { reserve(what: string): Promise<number> } }>(at);
    client.stock.reserve("patience").catch(() => undefined);
    const fire = (n: number): Promise<void> =>
      send("traces", [
        {
          traceId: n.toString(16).padStart(32, "f"),
          spanId: n.toString(16).padStart(16, "f"),
          name: `fire ${n}`,
          startTimeUnixNano: `${Date.now()}000000`,
          endTimeUnixNano: `${Date.now() + 1}000000`,
        },
      ]);
    await page.getByRole("link", { name: "Live", exact: true }).click();
    const open = page.getByRole("region", { name: "Not ended" }).locator("tbody tr");
    const ended = page.getByRole("region", { name: "Ended", exact: true }).locator("tbody tr");
    await open.filter({ hasText: "attic" }).waitFor();
    expect(await open.textContent()).toMatch(/attic attic\.stock\.reserve.*open/);
    const age = async (): Promise<string | null> => open.locator("td").last().textContent();
    const before = await age();
    await expect.poll(age).not.toBe(before);
    await fire(1);
    await ended.filter({ hasText: "kiln fire 1" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("kiln");
    await expect.poll(() => open.count()).toBe(0);
    expect(new URL(page.url()).searchParams.get("text")).toBe("kiln");
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    await fire(2);
    await page.getByText("paused, 1 span since").waitFor();
    expect(await ended.allTextContents()).toEqual([expect.stringContaining("fire 1")]);
    await page.keyboard.press("p");
    await ended.filter({ hasText: "kiln fire 2" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    expect(await page.locator(":focus").textContent()).toBe("kiln fire 1");
    await page.getByLabel("Find").fill("attic");
    attic.kill("SIGKILL");
    await open.getByText("lost").waitFor();
    expect(await age()).toMatch(/^≥/);
    await open.getByRole("link").click();
    await page.getByRole("complementary").getByText("stock.reserve").waitFor();
  });

  test("say so when there is no such trace", async () => {
    await page.goto(`${url}/traces/${"0".repeat(32)}`);
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toMatch(/no trace "0+"/);
    problems.splice(0);
  });
});
