import { type Gate, SafeSocket } from "@zeroplane/link";
import { bindLane, type Lane, type LaneOptions } from "../lane.ts";
import { type PipeHead, parseHead } from "./pipe.ts";

/** What is known of one sender. */
export interface SenderStats {
  readonly node: string;
  readonly received: number;
  /** Messages that were sent and did not arrive. */
  readonly lost: number;
  /** Messages that the sender dropped because it had no room. */
  readonly dropped: number;
}

/** Options of {@link collectPipe}. */
export interface CollectOptions extends LaneOptions {
  /** Called with each message. */
  readonly onMessage: (head: PipeHead, body: Buffer) => void;
  /** Called when a sender turns out to have lost or dropped `count` messages. */
  readonly onHole?: (head: PipeHead, count: number) => void;
}

interface Sender {
  node: string;
  seq: number;
  received: number;
  lost: number;
  dropped: number;
}

const SENDERS_MAX = 10_000;

/** The collecting end of pipes: every hole in a sender's numbers is counted. */
export class Collector implements AsyncDisposable {
  /** Where pipes connect. */
  readonly port: number;
  readonly #senders = new Map<number, Sender>();
  readonly #options: CollectOptions;
  readonly #socket: SafeSocket;
  readonly #end: () => void;
  refused = 0;

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
    return [...this.#senders.values()].map(({ seq: _seq, ...stats }) => stats);
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
    for await (const [head, body] of this.#socket) {
      try {
        if (head === undefined || body === undefined) this.refused++;
        else this.#receive(parseHead(head), body);
      } catch {
        this.refused++;
      }
    }
  }

  #receive(head: PipeHead, body: Buffer): void {
    const sender = this.#senders.get(head.boot) ?? this.#meet(head);
    const hole = Math.max(0, head.seq - sender.seq - 1);
    const dropped = Math.max(0, head.dropped - sender.dropped);
    sender.received++;
    sender.lost += hole;
    sender.dropped = head.dropped;
    sender.seq = head.seq;
    if (hole + dropped > 0) this.#options.onHole?.(head, hole + dropped);
    this.#options.onMessage(head, body);
  }

  /** A collector that was away missed what others took: it counts from the first it sees. */
  #meet({ node, boot, seq }: PipeHead): Sender {
    if (this.#senders.size >= SENDERS_MAX) {
      const [oldest] = this.#senders.keys();
      if (oldest !== undefined) this.#senders.delete(oldest);
    }
    const sender = { node, seq: seq - 1, received: 0, lost: 0, dropped: 0 };
    this.#senders.set(boot, sender);
    return sender;
  }
}

/**
 * Collects from every pipe that connects.
 * @throws LinkError when the endpoint cannot be bound
 */
export async function collectPipe(options: CollectOptions): Promise<Collector> {
  const make = (security: Gate["security"] | undefined): SafeSocket =>
    new SafeSocket("pull", { security, highWaterMark: 1_000 });
  return new Collector(await bindLane(make, options), options);
}
