import { type Gate, SafeSocket } from "@zeroplane/link";
import { bindLane, type Lane, type LaneOptions } from "../lane.ts";
import { fromPipeRecord, type PipeHead } from "./record.ts";
import { type SenderStats, Senders } from "./senders.ts";

/** Options of {@link collectPipe}. */
export interface CollectOptions extends LaneOptions {
  /** Called with each message; its body is a part of the record it came in: copy what is kept. */
  readonly onMessage: (head: PipeHead, body: Buffer) => void;
  /**
   * Awaited before each record: meanwhile nothing is taken, and senders keep what they have and drop
   * by rank. What it throws is told, and the record is taken.
   */
  readonly room?: () => Promise<void>;
  /** Called when a sender turns out to have lost or dropped `count` messages. */
  readonly onHole?: (head: PipeHead, count: number) => void;
  /** Called with what a handler has thrown. */
  readonly onError?: (error: unknown) => void;
}

/** Records of one sender that libzmq may hold. */
const QUEUE_MAX = 64;

/** The collecting end of pipes: every hole in a sender's numbers is counted. */
export class Collector implements AsyncDisposable {
  /** Where pipes connect. */
  readonly port: number;
  readonly #senders = new Senders();
  readonly #options: CollectOptions;
  readonly #socket: SafeSocket;
  readonly #end: () => void;
  /** Records that were broken, and of which nothing was taken. */
  refused = 0;
  /** Messages on which a handler threw. */
  failed = 0;

  /** Use {@link collectPipe}. */
  constructor(lane: Lane, options: CollectOptions) {
    this.port = lane.port;
    this.#socket = lane.socket;
    this.#end = lane.end;
    this.#options = options;
    void this.#run();
  }

  /** What came, and what is missing, by sender. */
  stats(): SenderStats[] {
    return this.#senders.stats();
  }

  /** Stops taking. */
  async close(): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
    this.#end();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    for await (const frames of this.#socket) {
      await this.#room();
      try {
        this.#receive(frames);
      } catch {
        this.refused++;
      }
    }
  }

  async #room(): Promise<void> {
    try {
      await this.#options.room?.();
    } catch (error) {
      this.#options.onError?.(error);
    }
  }

  #receive(frames: readonly Buffer[]): void {
    const { head, messages } = fromPipeRecord(frames);
    const missing = this.#senders.received(head, messages.length);
    const { node, boot, dropped } = head;
    let { seq } = head;
    for (const { kind, body } of messages) {
      const each: PipeHead = { node, boot, seq, dropped, kind };
      // What a handler throws is told, and the next message comes all the same.
      try {
        if (seq === head.seq && missing > 0) this.#options.onHole?.(each, missing);
        this.#options.onMessage(each, body);
      } catch (error) {
        this.failed++;
        this.#options.onError?.(error);
      }
      seq++;
    }
  }
}

/**
 * Collects from every pipe that connects.
 * @throws LinkError when the endpoint cannot be bound
 */
export async function collectPipe(options: CollectOptions): Promise<Collector> {
  const make = (security: Gate["security"] | undefined): SafeSocket =>
    new SafeSocket("pull", { security, highWaterMark: QUEUE_MAX });
  return new Collector(await bindLane(make, options), options);
}
