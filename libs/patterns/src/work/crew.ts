import type { JobRecord } from "./job.ts";

/** Where the line of a worker is: `stalled` is connected, with a loop that says nothing. */
export type WorkerState = "up" | "stalled" | "lost";

/** A worker, as the queue sees it. */
export interface WorkerView {
  readonly name: string;
  readonly state: WorkerState;
  /** True when it may get jobs: its state is `up`. */
  readonly up: boolean;
  /** Jobs it runs. */
  readonly running: number;
  /** Jobs it wants to run at a time. */
  readonly credit: number;
  /** True while it runs one job alone because workers vanished with that job. */
  readonly alone: boolean;
}

/** One worker. */
export interface Member {
  readonly name: string;
  credit: number;
  /** Jobs that it has. */
  readonly leases: Set<JobRecord>;
  state: WorkerState;
  lostAtMs: number;
  /** Gets nothing else: it runs, or will run, a suspect alone. */
  alone: boolean;
}

const CREDIT_MAX = 65_536;

/** How many more jobs it takes. */
export const freeOf = ({ credit, leases, state, alone }: Member): number =>
  state === "up" && !alone ? Math.max(0, credit - leases.size) : 0;

/** The jobs that it has, with their tokens; none of one that is not there. */
export const tokensOf = (worker: Member | undefined): [id: string, token: number][] =>
  Array.from(worker?.leases ?? [], ({ id, attempt }) => [id, attempt]);

/** The workers of one queue, and who gets the next job. */
export class Crew {
  readonly #members = new Map<string, Member>();

  get(name: string): Member | undefined {
    return this.#members.get(name);
  }

  /** The worker of that name says that it is there. */
  join(name: string, credit: number): Member {
    const member = this.#members.get(name) ?? {
      name,
      credit: 0,
      leases: new Set<JobRecord>(),
      state: "up",
      lostAtMs: 0,
      alone: false,
    };
    this.#members.set(name, member);
    member.credit = Math.min(CREDIT_MAX, Math.max(0, Math.floor(credit) || 0));
    member.state = "up";
    return member;
  }

  delete(name: string): void {
    this.#members.delete(name);
  }

  clear(): void {
    this.#members.clear();
  }

  [Symbol.iterator](): IterableIterator<Member> {
    return this.#members.values();
  }

  /** Jobs that could be given out now. */
  free(): number {
    let free = 0;
    for (const member of this.#members.values()) free += freeOf(member);
    return free;
  }

  /** The worker with most room: a slow one, whose jobs are still there, gets less. */
  roomiest(): Member | undefined {
    let best: Member | undefined;
    for (const member of this.#members.values()) {
      if (freeOf(member) > (best === undefined ? 0 : freeOf(best))) best = member;
    }
    return best;
  }

  /**
   * A worker that runs nothing, for a suspect; at most half of them run one at a time. When there
   * is none, the least busy one gets nothing more until it runs nothing.
   */
  idle(): Member | undefined {
    const up = [...this.#members.values()].filter((each) => each.state === "up" && each.credit > 0);
    const apart = up.filter(({ alone }) => alone);
    const reserved = apart.find(({ leases }) => leases.size === 0);
    if (reserved !== undefined) return reserved;
    if (apart.length >= Math.max(1, Math.floor(up.length / 2))) return undefined;
    let best: Member | undefined;
    for (const member of up) {
      if (member.alone) continue;
      if (best === undefined || member.leases.size < best.leases.size) best = member;
    }
    if (best !== undefined) best.alone = true;
    return best?.leases.size === 0 ? best : undefined;
  }

  /** A job of `member` has ended or was taken back. */
  released(name: string, job: JobRecord): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    member.leases.delete(job);
    if (member.leases.size === 0) member.alone = false;
  }

  view(): WorkerView[] {
    return [...this.#members.values()].map(({ name, state, leases, credit, alone }) => ({
      name,
      state,
      up: state === "up",
      running: leases.size,
      credit,
      alone,
    }));
  }
}
