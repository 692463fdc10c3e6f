import type { Group } from "../state/owner-core.ts";

/** What a value of the simulation says of itself. */
export interface Fact {
  readonly value: number;
  readonly endsAtMs: number;
  readonly holder: unknown;
}

type Shown = ReadonlyMap<string, number>;

/** What one life of a simulated owner should have, kept in the plainest way. */
export class StateBook {
  readonly epoch: number;
  readonly #facts = new Map<string, Fact>();
  readonly #states: Shown[] = [new Map()];
  /** Keys as the groups that were published leave them. */
  #published = new Map<string, number>();
  /** Additions to the counter that were answered, and that may have been done besides. */
  added = 0;
  unsure = 0;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  get version(): number {
    return this.#states.length - 1;
  }

  set(key: string, fact: Fact): void {
    this.#facts.set(key, fact);
  }

  delete(key: string): void {
    this.#facts.delete(key);
  }

  gone(holder: unknown): void {
    for (const [key, fact] of this.#facts) if (fact.holder === holder) this.#facts.delete(key);
  }

  expire(nowMs: number): void {
    for (const [key, fact] of this.#facts) if (fact.endsAtMs <= nowMs) this.#facts.delete(key);
  }

  /** A group goes to the viewers: versions have no holes. */
  published({ version, changes }: Group): void {
    if (version !== this.version + 1) throw new Error(`version ${version} after ${this.version}`);
    this.#published = new Map(this.#published);
    for (const [key, value] of changes) {
      if (value === undefined) this.#published.delete(key);
      else this.#published.set(key, value as number);
    }
    this.#states.push(this.#published);
  }

  /** The owner has what it should have, and has told of it. */
  check(entries: readonly (readonly [string, number, number])[]): void {
    const wanted = text([...this.#facts].map(([key, { value }]) => [key, value]));
    const owned = text(entries);
    if (owned !== wanted) throw new Error(`the owner has ${owned}, not ${wanted}`);
    const told = text(this.#published);
    if (told !== wanted) throw new Error(`the owner told ${told}, not ${wanted}`);
  }

  /** A view at `version` shows what was published up to it. */
  checkView(name: string, version: number, under: string, shown: Iterable<[string, number]>): void {
    const state = [...(this.#states[version] ?? [])].filter(([key]) => key.startsWith(under));
    const [has, wanted] = [text(shown), text(state)];
    if (has !== wanted) throw new Error(`${name} shows ${has} at ${version}, not ${wanted}`);
  }

  /** Each addition that was answered counts once. */
  checkCounter(value: number): void {
    if (value < this.added || value > this.added + this.unsure)
      throw new Error(`${this.added} were added, ${this.unsure} perhaps, and there are ${value}`);
  }
}

const text = (entries: Iterable<readonly [string, number, ...unknown[]]>): string =>
  [...entries]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(" ");
