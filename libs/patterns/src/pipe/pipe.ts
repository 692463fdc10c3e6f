import { randomInt } from "node:crypto";
import { type DialKeys, decode, encode, nodeName, SafeSocket } from "@zeroplane/link";
import { type Outgoing, type PipeClass, PipeCore } from "./pipe-core.ts";

/** Options of {@link openPipe}. */
export interface PipeOptions {
  /** Name of this process, which the collector sees (default host and pid). */
  readonly node?: string;
  readonly keys?: DialKeys | undefined;
  /** Bytes that wait here when the collector is away or slow (default 8 MiB). */
  readonly bytesMax?: number;
}

/** What a pipe did. `dropped` is by class. */
export interface PipeStats {
  readonly sent: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  readonly dropped: readonly number[];
}

/** First frame of each message: who sent it, its number, and how many were dropped before it. */
export interface PipeHead {
  readonly node: string;
  /** Random for each life of the sender. */
  readonly boot: number;
  readonly seq: number;
  readonly dropped: number;
  readonly kind: string;
}

const BYTES_MAX = 8 * 1024 * 1024;
/** Messages that libzmq may hold: what it has, the drop policy cannot choose from. */
const IN_LIBZMQ_MAX = 64;
const RETRY_MS = 100;
const DRAIN_MS = 2_000;

/**
 * Telemetry to one collector of many senders: PUSH/PULL. Sending never blocks and never slows the
 * sender; when there is no room the oldest of the lowest class goes, and the collector is told.
 */
export class Pipe implements AsyncDisposable {
  readonly #socket: SafeSocket;
  readonly #node: string;
  readonly #boot = randomInt(2 ** 31);
  readonly #core: PipeCore;
  #pump: Promise<void> | undefined;
  #closed = false;

  /** @param to where the collector listens */
  constructor(to: string, options: PipeOptions = {}) {
    this.#node = options.node ?? nodeName();
    this.#core = new PipeCore(options.bytesMax ?? BYTES_MAX);
    const highWaterMark = IN_LIBZMQ_MAX;
    // `immediate`: nothing is queued for a collector that is not there, so the ring here decides.
    this.#socket = new SafeSocket("push", {
      security: options.keys,
      immediate: true,
      highWaterMark,
    });
    this.#socket.connect(to);
  }

  /**
   * Sends one message, or keeps it until it can go.
   * @param kind what it is, for the collector
   * @param options `rank` 0 (default) to 3: what is dropped last
   */
  push(kind: string, body: Uint8Array, options: { readonly rank?: PipeClass } = {}): void {
    if (this.#closed) return;
    this.#core.push({ kind, body, rank: options.rank ?? 0 });
    this.#pump ??= this.#run();
  }

  /** What was sent, waits and was dropped. */
  stats(): PipeStats {
    const { sent, waiting, waitingBytes, dropped } = this.#core;
    return { sent, waiting, waitingBytes, dropped };
  }

  /** Has up to 2 s to send what waits; the rest is gone with the process. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const deadline = performance.now() + DRAIN_MS;
    while (this.#core.waiting > 0 && performance.now() < deadline) await sleep(RETRY_MS / 10);
    this.#closed = true;
    await this.#pump;
    await this.#socket[Symbol.asyncDispose]();
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    // One turn later, so that what is pushed together does not wait for the first to return.
    await new Promise((resolve) => setImmediate(resolve));
    while (!this.#closed) {
      const next = this.#core.take();
      if (next === undefined) break;
      if (await this.#socket.offer([this.#head(next), next.body])) this.#core.accepted();
      else {
        this.#core.refused(next);
        await sleep(RETRY_MS);
      }
    }
    this.#pump = undefined;
  }

  #head({ kind, seq, dropped }: Outgoing): Uint8Array {
    return encode([this.#node, this.#boot, seq, dropped, kind]);
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens a pipe to the collector at `to`, now or whenever it is there. */
export const openPipe = (to: string, options: PipeOptions = {}): Pipe => new Pipe(to, options);

/** @returns the head of a message. @throws LinkError ERR_LINK_PROTOCOL when it is none */
export function parseHead(frame: Uint8Array): PipeHead {
  const fields = decode(frame);
  const [node, boot, seq, dropped, kind] = Array.isArray(fields) ? (fields as unknown[]) : [];
  return {
    node: String(node),
    boot: Number(boot),
    seq: Number(seq),
    dropped: Number(dropped),
    kind: String(kind),
  };
}
