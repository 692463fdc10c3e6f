import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { performance } from "node:perf_hooks";

/** What a probe asks. */
export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  /** With a path: GET it, 200 to 399 is a success. Without: an accepted connection is. */
  readonly path?: string;
}

/** What a probe saw. */
export interface ProbeResult {
  readonly ok: boolean;
  /** What was asked and answered: `GET /health: 503`. */
  readonly text: string;
}

/**
 * Asks once whether an app is alive. Never throws.
 * @param target whom and how
 * @param timeoutMs when silence counts as a failure
 */
export async function probe(target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const { host, port, path } = target;
  const what = path === undefined ? `connect to port ${port}` : `GET ${path} on port ${port}`;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    if (path === undefined)
      return { ok: true, text: `${what}: ${await accepts(host, port, signal)}` };
    const status = await get(target, path, signal);
    return { ok: status >= 200 && status < 400, text: `${what}: ${status}` };
  } catch (error) {
    return { ok: false, text: `${what}: ${reasonOf(error, timeoutMs)}` };
  }
}

async function accepts(host: string, port: number, signal: AbortSignal): Promise<string> {
  const socket = connect({ host, port });
  try {
    await once(socket, "connect", { signal });
    return "accepted";
  } finally {
    socket.destroy();
  }
}

async function get(target: ProbeTarget, path: string, signal: AbortSignal): Promise<number> {
  const { host, port } = target;
  const headers = { "User-Agent": "zeroplane-probe" };
  const sent = request({ host, port, path, agent: false, signal, headers });
  sent.end();
  const [response] = await once(sent, "response");
  response.on("error", () => {});
  response.destroy();
  return Number(response.statusCode);
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "AbortError" || error.name === "TimeoutError") {
    return `no answer in ${timeoutMs} ms`;
  }
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}

/** The last things probes saw, with repeats folded into a count: at most 20 lines. */
export class ProbeTranscript {
  readonly #seen: { text: string; times: number; firstMs: number; lastMs: number }[] = [];
  readonly #startedMs = performance.now();

  /** Notes what a probe saw. */
  add(text: string): void {
    const nowMs = performance.now() - this.#startedMs;
    const last = this.#seen.at(-1);
    if (last?.text === text) {
      last.times++;
      last.lastMs = nowMs;
      return;
    }
    this.#seen.push({ text, times: 1, firstMs: nowMs, lastMs: nowMs });
    if (this.#seen.length > 20) this.#seen.shift();
  }

  /** What was seen, oldest first. */
  get lines(): readonly string[] {
    return this.#seen.map(({ text, times, firstMs, lastMs }) => {
      const span = times === 1 ? seconds(firstMs) : `${seconds(firstMs)} to ${seconds(lastMs)}`;
      return times === 1 ? `${text} (at ${span})` : `${text} (${times} times, ${span})`;
    });
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
