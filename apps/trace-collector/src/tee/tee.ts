import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** Where OTLP goes on to. */
export interface TeeOptions {
  /** Of a backend, to which `/v1/traces` and `/v1/logs` are added; one that ends so is taken as it is. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes that may wait (default 32 MiB); what comes then is dropped and counted. */
  readonly queueBytesMax?: number;
  /** Longest that one request may take (default 10 s). */
  readonly timeoutMs?: number;
  /** First wait before something is sent again (default 500 ms); it doubles up to 30 s. */
  readonly backoffMs?: number;
}

/** What a tee has done. */
export interface TeeStats {
  readonly url: string;
  readonly sent: number;
  readonly retries: number;
  /** Requests that were given up, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Why the last attempt failed; absent once one went well. */
  readonly problem?: string;
}

/** What is sent on: OTLP as protobuf or JSON. */
export interface TeeBody {
  readonly signal: "traces" | "logs";
  readonly type: "application/x-protobuf" | "application/json";
  readonly body: Uint8Array<ArrayBuffer>;
}

const QUEUE_BYTES_MAX = 32 * 1024 * 1024;
const TIMEOUT_MS = 10_000;
const BACKOFF_MS = 500;
const BACKOFF_MS_MAX = 30_000;
/** After so many attempts a request is given up, so that one that always fails does not stop the rest. */
const ATTEMPTS_MAX = 12;
const RETRIED: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);
/** How long the end waits for what is left. */
const FLUSH_MS = 2_000;
const pack = promisify(gzip);

/** Sends OTLP on to any backend, one request after the other, again and again until it is taken or must give way. */
export class Tee implements AsyncDisposable {
  readonly #options: TeeOptions;
  readonly #queue: TeeBody[] = [];
  readonly #ended = new AbortController();
  readonly #counts = { sent: 0, retries: 0 };
  readonly #dropped: Record<string, number> = {};
  #bytes = 0;
  #problem: string | undefined;
  #running: Promise<void> | undefined;

  constructor(options: TeeOptions) {
    this.#options = options;
  }

  /** Never waits and never throws: what finds no room is dropped, and counted. */
  send(body: TeeBody): void {
    const max = this.#options.queueBytesMax ?? QUEUE_BYTES_MAX;
    const bytes = body.body.byteLength;
    if (this.#ended.signal.aborted) return this.#drop("closed");
    if (this.#bytes + bytes > max) return this.#drop("full");
    this.#bytes += bytes;
    this.#queue.push(body);
    this.#running ??= this.#run();
  }

  stats(): TeeStats {
    return {
      url: withoutSecrets(this.#options.url),
      ...this.#counts,
      dropped: { ...this.#dropped },
      waiting: this.#queue.length,
      waitingBytes: this.#bytes,
      ...(this.#problem !== undefined && { problem: this.#problem }),
    };
  }

  /** Waits up to two seconds for what is left; what is left then is dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.race([this.#running, sleep(FLUSH_MS, undefined, { ref: false })]);
    this.#ended.abort();
    await this.#running;
    for (const _ of this.#queue.splice(0)) this.#drop("closed");
    this.#bytes = 0;
  }

  async #run(): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const reason = await this.#deliver(next);
      if (this.#ended.signal.aborted && reason !== undefined) break;
      this.#queue.shift();
      this.#bytes -= next.body.byteLength;
      if (reason === undefined) this.#counts.sent++;
      else this.#drop(reason);
    }
    this.#running = undefined;
  }

  /** @returns why it was given up, or `undefined` when it was taken */
  async #deliver(waiting: TeeBody): Promise<string | undefined> {
    const body = new Uint8Array(await pack(waiting.body));
    for (let attempt = 1; ; attempt++) {
      const { status, retryAfterMs } = await this.#post({ ...waiting, body });
      if (status !== undefined && status >= 200 && status < 300) return undefined;
      if (status !== undefined && !RETRIED.has(status)) return "refused";
      if (attempt >= ATTEMPTS_MAX) return "failed";
      const doubled = (this.#options.backoffMs ?? BACKOFF_MS) * 2 ** (attempt - 1);
      const waitMs = retryAfterMs ?? doubled * (0.5 + Math.random() / 2);
      this.#counts.retries++;
      const { signal } = this.#ended;
      await sleep(Math.min(waitMs, BACKOFF_MS_MAX), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return "closed";
    }
  }

  /** No status: nobody answered in time. */
  async #post({ signal, type, body }: TeeBody): Promise<Answer> {
    const { url, headers, timeoutMs = TIMEOUT_MS } = this.#options;
    try {
      const response = await fetch(urlOf(url, signal), {
        method: "POST",
        headers: { ...headers, "content-type": type, "content-encoding": "gzip" },
        body,
        redirect: "error",
        signal: AbortSignal.any([this.#ended.signal, AbortSignal.timeout(timeoutMs)]),
      });
      await response.body?.cancel();
      this.#problem = response.ok ? undefined : `answered ${response.status}`;
      const retryAfterMs = retryAfterOf(response.headers.get("retry-after"));
      return { status: response.status, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    } catch (error) {
      const { message, cause } = error as Error;
      this.#problem = cause instanceof Error ? `${message}: ${cause.message}` : message;
      return {};
    }
  }

  #drop(reason: string): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1;
  }
}

interface Answer {
  readonly status?: number;
  readonly retryAfterMs?: number;
}

function urlOf(base: string, signal: TeeBody["signal"]): string {
  const url = new URL(base);
  if (!/\/v1\/(traces|logs)$/.test(url.pathname))
    url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/${signal}`;
  else url.pathname = url.pathname.replace(/(traces|logs)$/, signal);
  return url.href;
}

/** Seconds, or a date. */
function retryAfterOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function withoutSecrets(text: string): string {
  const url = new URL(text);
  [url.username, url.password, url.search] = ["", "", ""];
  return url.href;
}
