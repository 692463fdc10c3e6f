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
function start(script: string, env: Readonly<Record<string, string>>): void {
  const child = spawn(process.execPath, ["-C", "@zeroplane/source", join(APPS, script)], {
    env: { PATH: process.env["PATH"] ?? "", ZP_LOG_LEVEL: "fatal", ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.push(child);
}

let url = "";
let first = "";
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
  first = tcp(hops[0]);
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
    await open("Map");
    for (const [i, to] of HOPS.entries()) {
      if (i === 0) continue;
      await page.getByRole("cell", { name: `${HOPS[i - 1]} → ${to}` }).waitFor();
    }
  });

  test("say so when there is no such trace", async () => {
    await page.goto(`${url}/traces/${"0".repeat(32)}`);
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toMatch(/no trace "0+"/);
    problems.splice(0);
  });
});
