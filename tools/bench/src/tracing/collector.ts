import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../peers/free-port.ts";

const APPS = fileURLToPath(new URL("../../../../apps/", import.meta.url));
/** Folder of the built trace pages. */
export const PAGES: string = join(APPS, "console/dist/pages");
const START_MS = 30_000;
const CLOCK_TICK_US = 10_000;

/** What a process has used. */
export interface Usage {
  /** CPU so far, microseconds, of all its threads. */
  readonly cpuUs: number;
  readonly mb: number;
}

/** The trace collector in a process of its own, with a store that is thrown away. */
export class BenchCollector implements AsyncDisposable {
  /** Where OTLP/HTTP and queries go. */
  readonly url: string;
  /** Where the pipe goes. */
  readonly pipe: string;
  readonly #child: ChildProcess;
  readonly #data: string;

  private constructor(child: ChildProcess, about: { url: string; pipe: string; data: string }) {
    this.#child = child;
    this.url = about.url;
    this.pipe = about.pipe;
    this.#data = about.data;
  }

  /** Starts one and ends it: from its second start on it has what Node compiled, as with `zp`. */
  static async warm(): Promise<void> {
    await using collector = await BenchCollector.start();
    const exited = once(collector.#child, "exit");
    collector.#child.kill("SIGTERM");
    await exited;
  }

  static async start(): Promise<BenchCollector> {
    const data = mkdtempSync(join(tmpdir(), "zp-bench-"));
    const [http, pipe] = [await freePort(), `tcp://127.0.0.1:${await freePort()}`];
    const env = {
      ...process.env,
      NODE_COMPILE_CACHE: join(tmpdir(), "zp-bench-cache"),
      ZP_DATA: data,
      ZP_HTTP_PORT: String(http),
      ZP_PIPE: pipe,
      ZP_PAGES: PAGES,
      ZP_LOG_LEVEL: "fatal",
      ZP_RETENTION_BYTES: String(100e9),
    };
    const main = join(APPS, "trace-collector/src/main.ts");
    const child = spawn(process.execPath, ["-C", "@zeroplane/source", main], {
      env,
      stdio: "ignore",
    });
    const collector = new BenchCollector(child, { url: `http://127.0.0.1:${http}`, pipe, data });
    const until = performance.now() + START_MS;
    while (!(await collector.isUp())) {
      if (performance.now() > until) throw new Error("the collector did not start");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return collector;
  }

  isUp(): Promise<boolean> {
    return fetch(`${this.url}/api/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  usage(): Usage {
    const { pid } = this.#child;
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return {
      cpuUs: (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_US,
      mb: Number(rss) / 1_024,
    };
  }

  /** Spans that are stored, and bytes that they take. */
  async stored(): Promise<{ readonly spans: number; readonly bytes: number }> {
    const response = await fetch(`${this.url}/api/health`);
    return (await response.json()) as { spans: number; bytes: number };
  }

  /** Sends OTLP protobuf; resolves once it is stored. */
  async post(body: Uint8Array): Promise<void> {
    const response = await fetch(`${this.url}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf" },
      body: Buffer.from(body),
    });
    if (!response.ok) throw new Error(`refused: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    rmSync(this.#data, { recursive: true, force: true });
  }
}
