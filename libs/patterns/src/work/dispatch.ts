import type { Headers, Session } from "@zeroplane/link";
import { batches } from "./batches.ts";
import type { JobRecord } from "./job.ts";
import { Kind } from "./protocol.ts";
import { say } from "./say.ts";

type Row = readonly unknown[];

type JobRow = readonly [
  id: string,
  attempt: number,
  payload: Uint8Array,
  headers: Headers,
  dueAtMs: number,
];

/** A lease that could not be sent. */
export interface Unsent {
  readonly worker: string;
  readonly id: string;
  readonly token: number;
}

interface Words {
  worker: string;
  jobs: JobRow[];
  settled: number[];
  revoke: Row[];
}

/** What one turn has to say to workers: one message of each kind for each. */
export class Dispatch {
  readonly #queue: string;
  #words = new Map<Session, Words>();

  /** @param queue name of the queue */
  constructor(queue: string) {
    this.#queue = queue;
  }

  give(session: Session, job: JobRecord): void {
    const words = this.#of(session);
    words.worker = job.worker ?? "";
    words.jobs.push([job.id, job.attempt, job.payload, job.headers, job.dueAtMs]);
  }

  /** The outcomes of the message of that number are safe, or came late. */
  settle(session: Session, number: number): void {
    this.#of(session).settled.push(number);
  }

  revoke(session: Session, lease: Row): void {
    this.#of(session).revoke.push(lease);
  }

  /** Nothing of this turn has happened. */
  clear(): void {
    this.#words.clear();
  }

  /** Says it. @returns leases that could not be sent because their worker takes nothing */
  flush(): Unsent[] {
    const words = this.#words;
    this.#words = new Map();
    const unsent: Unsent[] = [];
    for (const [session, { worker, jobs, settled, revoke }] of words) {
      if (settled.length > 0) this.#say(session, Kind.settled, settled);
      if (revoke.length > 0) this.#say(session, Kind.revoke, revoke);
      for (const batch of batches(jobs, ([, , payload]) => payload.length)) {
        if (this.#say(session, Kind.jobs, batch)) continue;
        unsent.push(...batch.map(([id, token]) => ({ worker, id, token })));
      }
    }
    return unsent;
  }

  /** What is not settled is said again by the worker, when it speaks again. */
  #say(session: Session, kind: number, rows: readonly (Row | number)[]): boolean {
    return say(session, [kind, this.#queue, rows]);
  }

  #of(session: Session): Words {
    let words = this.#words.get(session);
    if (words === undefined) {
      words = { worker: "", jobs: [], settled: [], revoke: [] };
      this.#words.set(session, words);
    }
    return words;
  }
}
