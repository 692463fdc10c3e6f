/** How a call was made. */
export type Manner = "plain" | "idempotent" | "once";

interface Entry {
  readonly manner: Manner;
  readonly dueAtMs: number;
  runs: number;
  end: string | undefined;
}

function broken(what: string): never {
  throw new Error(what);
}

/** Ways a call may end without a result. */
const CODES = new Set([
  "ERR_DEADLINE",
  "ERR_LOST_REMOTE",
  "ERR_UNAVAILABLE",
  "ERR_OVERLOADED",
  "ERR_CANCELLED",
  "ERR_CLOSED",
]);

/** Every call of a simulation: how often it ran, and how it ended for its caller. */
export class CallBook {
  readonly #entries: Entry[] = [];
  #results = 0;

  /** Calls that were made. */
  get calls(): number {
    return this.#entries.length;
  }

  /** Calls that gave their result. */
  get results(): number {
    return this.#results;
  }

  /** A call is made. @returns its number, which it carries */
  open(manner: Manner, dueAtMs: number): number {
    return this.#entries.push({ manner, dueAtMs, runs: 0, end: undefined }) - 1;
  }

  /** The method runs. @throws Error when it must not again */
  ran(number: number): void {
    const entry = this.#entry(number);
    entry.runs++;
    if (entry.runs > 1 && entry.manner !== "idempotent") {
      broken(`call ${number}, ${entry.manner}, ran ${entry.runs} times`);
    }
  }

  /** The caller has its result, which says whose it is. */
  result(number: number, of: unknown): void {
    const entry = this.#end(number, "result");
    this.#results++;
    if (of !== number) broken(`call ${number} has the result of ${String(of)}`);
    if (entry.runs === 0) broken(`call ${number} has a result and never ran`);
  }

  /** The caller was told that it failed. */
  failed(number: number, code: string | undefined, own: boolean): void {
    this.#end(number, code ?? "error");
    if (!own && !CODES.has(code ?? "")) broken(`call ${number} failed with ${String(code)}`);
  }

  /** The process of the caller has crashed: nobody waits any more. */
  abandon(number: number): void {
    if (this.#entry(number).end === undefined) this.#end(number, "abandoned");
  }

  /** @throws Error when a call is open that should have ended by `nowMs` */
  check(nowMs: number): void {
    const late = this.#entries.findIndex(
      ({ end, dueAtMs }) => end === undefined && dueAtMs < nowMs,
    );
    if (late >= 0) broken(`call ${late} has not ended`);
  }

  #end(number: number, end: string): Entry {
    const entry = this.#entry(number);
    if (entry.end !== undefined) broken(`call ${number} ended twice: ${entry.end}, ${end}`);
    entry.end = end;
    return entry;
  }

  #entry(number: number): Entry {
    return this.#entries[number] ?? broken(`no call ${number}`);
  }
}
