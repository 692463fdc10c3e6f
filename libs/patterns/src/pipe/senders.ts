import type { RecordHead } from "./record.ts";

/** What came from one sender, and what is missing. */
export interface SenderStats {
  readonly node: string;
  readonly received: number;
  /** Messages that were sent and have not come. */
  readonly lost: number;
  /** Messages that the sender had no room for. */
  readonly dropped: number;
  /** Messages with lower numbers than the first that came: another collector took them, or nobody. */
  readonly before: number;
  /** Messages that came twice, or too late to tell. */
  readonly repeated: number;
}

/** Numbers that have not come, both ends among them. */
interface Hole {
  readonly from: number;
  readonly to: number;
}

interface Sender {
  readonly node: string;
  /** Number of the first that came. */
  readonly first: number;
  /** The newest holes: what comes into one of them late is not lost. */
  holes: Hole[];
  seq: number;
  received: number;
  dropped: number;
  lost: number;
  before: number;
  repeated: number;
}

const SENDERS_MAX = 10_000;
const HOLES_MAX = 64;

/** Counts what comes from each life of each sender, and every hole in its numbers. */
export class Senders {
  readonly #known = new Map<number, Sender>();

  /** A record of `count` messages came. @returns how many turn out to be missing before it */
  received(head: RecordHead, count: number): number {
    const sender = this.#known.get(head.boot) ?? this.#meet(head);
    const dropped = Math.max(0, head.dropped - sender.dropped);
    sender.dropped += dropped;
    const last = head.seq + count - 1;
    if (last <= sender.seq) {
      late(sender, { from: head.seq, to: last });
      return dropped;
    }
    const lost = Math.max(0, head.seq - sender.seq - 1);
    if (lost > 0) {
      const hole = { from: sender.seq + 1, to: head.seq - 1 };
      sender.holes = [...sender.holes.slice(1 - HOLES_MAX), hole];
    }
    sender.received += count;
    sender.lost += lost;
    sender.seq = last;
    return lost + dropped;
  }

  /** What came, and what is missing, by sender. */
  stats(): SenderStats[] {
    return Array.from(
      this.#known.values(),
      ({ node, received, lost, dropped, before, repeated }) => ({
        node,
        received,
        lost,
        dropped,
        before,
        repeated,
      }),
    );
  }

  /** A collector that was away missed what others took: it counts from the first it sees. */
  #meet({ node, boot, seq }: RecordHead): Sender {
    if (this.#known.size >= SENDERS_MAX) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    const counts = { received: 0, lost: 0, dropped: 0, before: seq - 1, repeated: 0 };
    const holes = seq > 1 ? [{ from: 1, to: seq - 1 }] : [];
    const sender = { node, first: seq, seq: seq - 1, holes, ...counts };
    this.#known.set(boot, sender);
    return sender;
  }
}

/** After a reconnect what the old connection still has may come after what the new one brings. */
function late(sender: Sender, { from, to }: Hole): void {
  const count = to - from + 1;
  const hole = sender.holes.find((each) => each.from <= from && to <= each.to);
  if (hole === undefined) {
    sender.repeated += count;
    return;
  }
  const parts = [
    { from: hole.from, to: from - 1 },
    { from: to + 1, to: hole.to },
  ].filter((part) => part.from <= part.to);
  sender.holes = sender.holes.flatMap((each) => (each === hole ? parts : [each]));
  sender.received += count;
  if (from > sender.first) sender.lost -= count;
  else sender.before -= count;
}
