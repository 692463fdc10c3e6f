import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type DialKeys, nodeName, SafeSocket } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import { offerUntilTaken } from "./offering.ts";
import { toPipeRecord } from "./record.ts";
import { type PipeClass, Ring, type Waiting } from "./ring.ts";

/** Options of {@link openPipe}. */
export interface PipeOptions {
  /** Name of this process, which the collector sees (default host and pid). */
  readonly node?: string;
  readonly keys?: DialKeys | undefined;
  /**
   * Bytes that wait here when the collector is away or slow, 64 counted for each message beside its
   * body (default 8 MiB). Up to 256 KiB more are on their way.
   */
  readonly bytesMax?: number;
}

/** What a pipe did. `dropped` is by class. */
export interface PipeStats {
  readonly sent: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  readonly dropped: readonly number[];
}

const BYTES_MAX = 8 * 1024 * 1024;
/** Records that libzmq may hold: what it has, the drop policy cannot choose from. */
const IN_LIBZMQ_MAX = 16;
/** Messages and bytes of one record. */
const RECORD_MESSAGES_MAX = 1_000;
const RECORD_BYTES_MAX = 256 * 1024;
const KIND_CHARACTERS_MAX = 255;
const DRAIN_POLL_MS = 10;
const DRAIN_MS = 2_000;

/**
 * Telemetry to one collector of many senders: PUSH/PULL. Sending never blocks and never slows the
 * sender; when there is no room the oldest of the lowest class goes, and the collector is told.
 */
export class Pipe implements AsyncDisposable {
  readonly #socket: SafeSocket;
  readonly #node: string;
  readonly #boot = randomInt(2 ** 31);
  readonly #ring: Ring;
  /** Taken from the ring, and not taken by libzmq yet. */
  #leaving: readonly Waiting[] = [];
  #record: readonly Uint8Array[] = [];
  #seq = 0;
  #pump: Promise<void> | undefined;
  #closed = false;

  /** @param to where the collector listens */
  constructor(to: string, options: PipeOptions = {}) {
    this.#node = options.node ?? nodeName();
    this.#ring = new Ring(options.bytesMax ?? BYTES_MAX);
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
   * @param kind what it is, for the collector: at most 255 characters
   * @param body at most 8 MiB; a larger one, or one after `close`, is counted as dropped
   * @param options `rank` 0 (default) to 3: what is dropped last
   * @throws PatternError ERR_BAD_OPTION when `kind` is too long
   */
  push(kind: string, body: Uint8Array, options: { readonly rank?: PipeClass } = {}): void {
    if (kind.length > KIND_CHARACTERS_MAX) {
      const text = `kind ${kind.slice(0, 40)}… has ${kind.length} characters: at most ${KIND_CHARACTERS_MAX}`;
      throw new PatternError("ERR_BAD_OPTION", text);
    }
    if (this.#closed) {
      this.#ring.dropped[options.rank ?? 0]++;
      return;
    }
    this.#ring.push(kind, body, options.rank ?? 0);
    this.#pump ??= this.#run();
  }

  /** What was sent, waits and was dropped. */
  stats(): PipeStats {
    const waiting = this.#ring.count + this.#leaving.length;
    const dropped = [...this.#ring.dropped];
    return { sent: this.#seq, waiting, waitingBytes: this.#ring.bytes, dropped };
  }

  /** Has up to 2 s to send what waits; the rest is gone with the process. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const deadline = performance.now() + DRAIN_MS;
    while (this.stats().waiting > 0 && performance.now() < deadline) await sleep(DRAIN_POLL_MS);
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
    const offering = { isOver: () => this.#closed };
    while (!this.#closed) {
      this.#leaving = this.#next();
      if (this.#leaving.length === 0) break;
      if (!(await offerUntilTaken(this.#socket, this.#record, offering))) break;
      this.#seq += this.#leaving.length;
      this.#leaving = [];
    }
    this.#pump = undefined;
  }

  /** A record's worth of what waits. */
  #next(): Waiting[] {
    const messages: Waiting[] = [];
    for (let bytes = 0; bytes < RECORD_BYTES_MAX && messages.length < RECORD_MESSAGES_MAX; ) {
      const next = this.#ring.take();
      if (next === undefined) break;
      messages.push(next);
      bytes += next.body.length;
    }
    const dropped = this.#ring.dropped.reduce((sum, n) => sum + n, 0);
    const head = { node: this.#node, boot: this.#boot, seq: this.#seq + 1, dropped };
    if (messages.length > 0) this.#record = toPipeRecord(head, messages);
    return messages;
  }
}

/** Opens a pipe to the collector at `to`, now or whenever it is there. */
export const openPipe = (to: string, options: PipeOptions = {}): Pipe => new Pipe(to, options);
