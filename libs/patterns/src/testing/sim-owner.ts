import type { World } from "@zeroplane/link/testing";
import { type Group, OwnerCore, type SetOptions } from "../state/owner-core.ts";
import { StateBook } from "./state-book.ts";

/** Who hears of what the owner publishes. */
export type Hear = (epoch: number, group: Group) => void;

export const COUNTER = "counter";
const KEYS = ["a/1", "a/2", "b/1", "b/2"];
const VALUE_MAX = 1e6;

/** The owner of a simulated state, in one life after the other. `L` is a line. */
export class SimOwner<L> {
  readonly #world: World;
  readonly #hear: Hear;
  core: OwnerCore<number, L>;
  book: StateBook;

  constructor(world: World, hear: Hear) {
    this.#world = world;
    this.#hear = hear;
    this.book = new StateBook(0);
    this.core = this.#begin();
  }

  /** Everything is forgotten: another life. */
  restart(): void {
    this.core = this.#begin();
    this.#world.note(`owner begins life ${this.book.epoch}`);
  }

  /** It does something by itself. */
  act(): void {
    const { random } = this.#world;
    const kind = random.next();
    if (kind < 0.2) this.#delete(random.pick(KEYS));
    else if (kind < 0.3) this.#group();
    else this.setAny();
    this.check();
  }

  /** Sets a key, now and then with an end or only at a version that may be wrong. */
  setAny(holder?: L): void {
    const { random } = this.#world;
    const key = random.pick(KEYS);
    const at = this.core.get(key)?.version ?? 0;
    const wanted = random.chance(0.5) ? undefined : random.pick([at, at + 1, 0]);
    const ttlMs = random.chance(0.3) ? random.between(1, 2_000) : undefined;
    const options = { ...(wanted !== undefined && { if: wanted }), ...(ttlMs && { ttlMs }) };
    const isWanted = wanted === undefined || wanted === at;
    const isDone = this.set(key, random.between(1, VALUE_MAX), options, holder);
    if (isDone !== isWanted) throw new Error(`${key} at ${at} was set for ${wanted}: ${isDone}`);
  }

  /** @returns false when it is at another version */
  set(key: string, value: number, options: SetOptions, holder?: L): boolean {
    const { nowMs } = this.#world.clock;
    try {
      this.core.set(key, value, { ...options, nowMs, holder });
    } catch {
      return false;
    }
    this.book.set(key, { value, endsAtMs: nowMs + (options.ttlMs ?? Infinity), holder });
    return true;
  }

  gone(line: L): void {
    this.core.gone(line);
    this.book.gone(line);
    this.check();
  }

  /** What its timer does. */
  expire(): void {
    const { nowMs } = this.#world.clock;
    const next = this.core.nextEndMs;
    // The timer looks at nothing else: what it does not name does not end.
    if (next !== undefined && next <= nowMs) this.core.expire(nowMs);
    this.book.expire(nowMs);
    this.check();
  }

  check(): void {
    this.book.check(this.core.snapshot(""));
  }

  #begin(): OwnerCore<number, L> {
    const book = new StateBook(this.book.epoch + 1);
    this.book = book;
    return new OwnerCore<number, L>("sim", (group) => {
      book.published(group);
      this.#hear(book.epoch, group);
    });
  }

  #delete(key: string): void {
    this.core.delete(key);
    this.book.delete(key);
  }

  #group(): void {
    const { random } = this.#world;
    const [first, second] = random.shuffled(KEYS) as [string, string];
    this.core.update(() => {
      this.set(first, random.between(1, VALUE_MAX), {});
      this.#delete(second);
    });
  }
}
