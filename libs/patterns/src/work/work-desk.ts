import { parseWireError, type Session } from "@zeroplane/link";
import type { Message } from "../channel.ts";
import { PatternError } from "../errors.ts";
import type { NamedHandler } from "../names.ts";
import type { WorkCore } from "./core.ts";
import type { Dispatch, Unsent } from "./dispatch.ts";
import { ProducerDesk, type ServedQueue } from "./producers.ts";
import { Kind, rowsOf } from "./protocol.ts";
import type { Turn } from "./turn.ts";

/** What a {@link WorkDesk} works with. */
export interface WorkDeskParts {
  readonly core: WorkCore;
  readonly turn: Turn;
  readonly dispatch: Dispatch;
  readonly nowMs: () => number;
  /** Takes jobs from other processes. */
  readonly producers: boolean;
  readonly progress: (id: string, value: unknown) => void;
}

/** The side of a queue that sessions speak to: which worker is at which session, and what it says. */
export class WorkDesk {
  readonly #producers: ProducerDesk;
  readonly #parts: WorkDeskParts;
  readonly #sessions = new Map<string, Session>();
  readonly #names = new Map<Session, string>();
  #closed = false;

  constructor(queue: ServedQueue, parts: WorkDeskParts) {
    this.#producers = new ProducerDesk(parts.producers ? queue : undefined);
    this.#parts = parts;
  }

  /** Does something with the session of that worker, if it has one. */
  with(worker: string, use: (session: Session) => void): void {
    const session = this.#sessions.get(worker);
    if (session !== undefined) use(session);
  }

  /** Whoever speaks next is new. */
  reset(): void {
    this.#sessions.clear();
    this.#names.clear();
  }

  close(): void {
    this.#closed = true;
  }

  /** Jobs that could not be sent go to others; their workers get no more until they speak. */
  unsent(jobs: readonly Unsent[]): void {
    if (jobs.length === 0) return;
    this.#turn(() => {
      for (const { id, token, worker } of jobs) {
        this.#parts.core.stalled(worker);
        this.#parts.core.released(id, token);
      }
    });
  }

  accept(session: Session): NamedHandler {
    return {
      receive: (message) => this.#receive(session, message),
      reset: () => this.#left(session, true),
      state: (state) => {
        if (state === "down" || state === "closed") this.#left(session, state === "closed");
        else if (state === "stalled")
          this.#about(session, (name) => this.#parts.core.stalled(name));
        else if (state === "up") this.#about(session, (name) => this.#parts.core.revived(name));
      },
    };
  }

  #receive(session: Session, message: Message): void {
    if (this.#closed) return;
    const [kind, , a, b, c] = message;
    if (kind === Kind.ask) void this.#producers.ask(session, message);
    else if (kind === Kind.progress) {
      const job = this.#parts.core.running(String(a), Number(b));
      if (job !== undefined) this.#parts.progress(job.id, c);
    } else this.#turn(() => this.#hear(session, kind, [a, b, c]));
  }

  #hear(session: Session, kind: number, [a, b, c]: readonly unknown[]): void {
    const { core, nowMs } = this.#parts;
    if (kind === Kind.ready) {
      const worker =
        typeof c === "string" && c !== "" ? `${c}@${session.peer.node}` : session.peer.node;
      const fresh = this.#sessions.get(worker) !== session;
      this.#sessions.set(worker, session);
      this.#names.set(session, worker);
      const running = rowsOf(b).map(([id, token]) => [String(id), Number(token)] as const);
      core.ready(worker, { credit: Number(a), running, fresh }, nowMs());
      return;
    }
    this.#outcomes(kind, rowsOf(a), nowMs());
    if (kind !== Kind.release) this.#parts.dispatch.settle(session, Number(b));
  }

  #outcomes(kind: number, rows: readonly (readonly unknown[])[], nowMs: number): void {
    const { core } = this.#parts;
    for (const [id, token, value] of rows) {
      const [job, attempt] = [String(id), Number(token)];
      if (kind === Kind.release) core.released(job, attempt);
      else if (kind === Kind.failed) core.failed(job, attempt, parseWireError(value), nowMs);
      else if (kind === Kind.done && value instanceof Uint8Array) {
        core.done(job, attempt, value, nowMs);
      }
    }
  }

  /** It may come back within the grace time, under a new session when this one has ended. */
  #left(session: Session, ended: boolean): void {
    this.#about(session, (name) => {
      this.#parts.core.lost(name, this.#parts.nowMs());
      if (!ended) return;
      this.#sessions.delete(name);
      this.#names.delete(session);
    });
  }

  #about(session: Session, use: (name: string) => void): void {
    const name = this.#names.get(session);
    if (this.#closed || name === undefined || this.#sessions.get(name) !== session) return;
    this.#turn(() => use(name));
  }

  /** A turn that cannot be made safe is undone: what was said is said again. */
  #turn(change: () => void): void {
    try {
      this.#parts.turn.run(change);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
    }
  }
}
