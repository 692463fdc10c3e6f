import { PatternError } from "../errors.ts";
import { copyOf, type JobRecord, type JobState } from "../work/job.ts";
import { MemoryStore } from "../work/memory-store.ts";

interface Change {
  readonly job: JobRecord;
  /** State it was in, when it was there. */
  readonly from: JobState | undefined;
}

/** What of a {@link JournalStore} outlives its process. */
export type Journal = Change[];

/** A store whose committed turns survive the crash of a simulated process, and nothing else of it. */
export class JournalStore extends MemoryStore {
  readonly #journal: Journal;
  readonly #isAlive: () => boolean;
  readonly #fails: () => boolean;
  #turn: Change[] = [];

  /** @param fails says of each commit whether the disk is full */
  constructor(journal: Journal, isAlive: () => boolean, fails: () => boolean) {
    super();
    this.#journal = journal;
    this.#isAlive = isAlive;
    this.#fails = fails;
    this.#replay();
  }

  override insert(job: JobRecord): void {
    super.insert(job);
    this.#turn.push({ job: copyOf(job), from: undefined });
  }

  override update(job: JobRecord, from: JobState): void {
    super.update(job, from);
    this.#turn.push({ job: copyOf(job), from });
  }

  override commit(): void {
    const turn = this.#turn;
    if (!this.#isAlive()) throw new PatternError("ERR_STORE", "the process has crashed");
    if (turn.length > 0 && this.#fails()) throw new PatternError("ERR_STORE_FULL", "no room");
    this.#turn = [];
    this.#journal.push(...turn);
  }

  override rollback(): void {
    this.#turn = [];
    this.clear();
    this.#replay();
  }

  #replay(): void {
    for (const { job, from } of this.#journal) {
      if (from === undefined) {
        super.insert(copyOf(job));
        continue;
      }
      const record = this.get(job.id);
      if (record === undefined) continue;
      Object.assign(record, job);
      super.update(record, from);
    }
  }
}
