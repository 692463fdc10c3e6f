import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { median, percentile } from "../load.ts";
import { type BenchCollector, PAGES } from "./collector.ts";
import type { Times } from "./queries.ts";
import { treeBodies } from "./tree.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const SIZES = [10_000, 50_000, 200_000] as const;
const WAIT_MS = 60_000;
const MARK_CLICK =
  "addEventListener('click', () => performance.mark('zp-click'), { capture: true, once: true })";

/** What the pages cost, or why nobody knows. */
export interface PageTimes {
  /** By spans of a trace: from the click on it to its rows, minimap and critical path, drawn; milliseconds. */
  readonly interactive?: Readonly<Record<number, Times>>;
  /** Everything that is loaded first, gzip, bytes. */
  readonly firstLoadBytes?: number;
  readonly missing?: string;
}

/** Opens traces of three sizes in turn, `rounds` times, each in a browser context that has seen nothing. */
export async function pageTimes(collector: BenchCollector, rounds: number): Promise<PageTimes> {
  const executablePath = process.env["ZP_CHROMIUM"] ?? CHROMIUM.find(existsSync);
  if (!existsSync(PAGES)) return { missing: "not built: npm run build -w apps/console" };
  if (executablePath === undefined) return { missing: "no Chromium on this machine" };
  for (const count of SIZES)
    for (const body of treeBodies(nameOf(count), traceIdOf(count), count))
      await collector.post(body);
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const times = new Map<number, number[]>(SIZES.map((count) => [count, []]));
    for (let round = 0; round < rounds; round++)
      for (const count of SIZES)
        times.get(count)?.push(await opened(browser, collector.url, count));
    const interactive = Object.fromEntries(
      [...times].map(([count, all]) => [count, { p50: median(all), p95: percentile(all, 0.95) }]),
    );
    return { interactive, firstLoadBytes: firstLoadBytes() };
  } finally {
    await browser.close();
  }
}

const nameOf = (count: number): string => `tree of ${count}`;
const traceIdOf = (count: number): string => count.toString(16).padStart(32, "7");

/** From the click to the frame that shows the trace, by the page's own clock. */
async function opened(browser: Browser, url: string, count: number): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.goto(`${url}/traces?operation=${encodeURIComponent(nameOf(count))}`);
    const link = page.getByRole("link", { name: nameOf(count) });
    await link.waitFor({ timeout: WAIT_MS });
    await page.evaluate(MARK_CLICK);
    await link.click();
    await page.waitForFunction(() => performance.getEntriesByName("zp-trace-drawn").length > 0, {
      timeout: WAIT_MS,
    });
    const ms = await page.evaluate(() => {
      const at = (name: string): number => performance.getEntriesByName(name)[0]?.startTime ?? 0;
      return at("zp-trace-drawn") - at("zp-click");
    });
    if ((await page.locator(".row .bar").count()) < 20) throw new Error("the rows were not drawn");
    return ms;
  } finally {
    await context.close();
  }
}

function firstLoadBytes(): number {
  const assets = readdirSync(join(PAGES, "assets")).map((name) => join(PAGES, "assets", name));
  const files = [join(PAGES, "index.html"), ...assets];
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
}
