import type { RecordHead } from "./record.ts";

/** What came from one sender, and what is missing. */
export interface SenderStats {
  readonly node: string;
  readonly received: number;
  /** Messages that were sent and never came. */
  readonly lost: number;
  /** Messages that the sender had no room for. */
  readonly dropped: number;
}

interface Sender {
  readonly node: string;
  seq: number;
  received: number;
  lost: number;
  dropped: number;
}

const SENDERS_MAX = 10_000;

/** Counts what comes from each sender, and every hole in its numbers. */
export class Senders {
  readonly #known = new Map<number, Sender>();

  /** A record of `count` messages came. @returns how many are missing before it */
  received(head: RecordHead, count: number): number {
    const sender = this.#known.get(head.boot) ?? this.#meet(head);
    const hole = Math.max(0, head.seq - sender.seq - 1);
    const dropped = Math.max(0, head.dropped - sender.dropped);
    sender.received += count;
    sender.lost += hole;
    sender.dropped = Math.max(head.dropped, sender.dropped);
    sender.seq = Math.max(sender.seq, head.seq + count - 1);
    return hole + dropped;
  }

  /** What came, and what is missing, by sender. */
  stats(): SenderStats[] {
    return [...this.#known.values()].map(({ seq: _seq, ...stats }) => stats);
  }

  /** A collector that was away missed what others took: it counts from the first it sees. */
  #meet({ node, boot, seq }: RecordHead): Sender {
    if (this.#known.size >= SENDERS_MAX) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    const sender = { node, seq: seq - 1, received: 0, lost: 0, dropped: 0 };
    this.#known.set(boot, sender);
    return sender;
  }
}
