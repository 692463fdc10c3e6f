import type { PipeHead } from "./pipe.ts";

/** What is known of one sender. */
export interface SenderStats {
  readonly node: string;
  readonly received: number;
  /** Messages that were sent and did not arrive. */
  readonly lost: number;
  /** Messages that the sender dropped because it had no room. */
  readonly dropped: number;
  /** Messages with lower numbers than the first that came: another took them, or they are lost. */
  readonly before: number;
  /** Messages that came twice, or too late to tell. */
  readonly repeated: number;
}

interface Hole {
  readonly from: number;
  readonly to: number;
}

interface Sender {
  readonly node: string;
  /** Of the missing numbers the newest, so that one that comes late is not counted as lost. */
  holes: Hole[];
  /** Number of the first that came. */
  readonly first: number;
  before: number;
  repeated: number;
  seq: number;
  received: number;
  lost: number;
  dropped: number;
}

const SENDERS_MAX = 10_000;
const HOLES_MAX = 64;

/** Counts what came from each life of each sender, and the holes in their numbers. */
export class CollectorCore {
  readonly #senders = new Map<number, Sender>();

  /** What came, and what is missing, by sender. */
  stats(): SenderStats[] {
    return [...this.#senders.values()].map((sender) => statsOf(sender));
  }

  /** A message has come. @returns how many turn out to be missing before it */
  received(head: PipeHead): number {
    const sender = this.#senders.get(head.boot) ?? this.#meet(head);
    const dropped = Math.max(0, head.dropped - sender.dropped);
    sender.dropped += dropped;
    if (head.seq <= sender.seq) {
      late(sender, head.seq);
      return dropped;
    }
    const lost = head.seq - sender.seq - 1;
    if (lost > 0) {
      const hole = { from: sender.seq + 1, to: head.seq - 1 };
      sender.holes = [...sender.holes.slice(1 - HOLES_MAX), hole];
    }
    sender.received++;
    sender.lost += lost;
    sender.seq = head.seq;
    return lost + dropped;
  }

  /** A collector that was away missed what others took: it counts from the first it sees. */
  #meet({ node, boot, seq }: PipeHead): Sender {
    if (this.#senders.size >= SENDERS_MAX) {
      const [oldest] = this.#senders.keys();
      if (oldest !== undefined) this.#senders.delete(oldest);
    }
    const counts = { received: 0, lost: 0, dropped: 0, before: seq - 1, repeated: 0 };
    const holes = [{ from: 1, to: seq - 1 }];
    const sender: Sender = { node, first: seq, seq: seq - 1, holes, ...counts };
    this.#senders.set(boot, sender);
    return sender;
  }
}

function statsOf({ node, received, lost, dropped, before, repeated }: Sender): SenderStats {
  return { node, received, lost, dropped, before, repeated };
}

/** After a reconnect what the old connection still has may come after what the new one brings. */
function late(sender: Sender, seq: number): void {
  const hole = sender.holes.find(({ from, to }) => from <= seq && seq <= to);
  if (hole === undefined) {
    sender.repeated++;
    return;
  }
  const parts = [
    { from: hole.from, to: seq - 1 },
    { from: seq + 1, to: hole.to },
  ].filter(({ from, to }) => from <= to);
  sender.holes = sender.holes.flatMap((each) => (each === hole ? parts : [each]));
  sender.received++;
  if (seq > sender.first) sender.lost--;
  else sender.before--;
}
