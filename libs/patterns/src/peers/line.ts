import type { Address } from "./message.ts";

/** A line to somebody, dialled (`out`) or accepted (`in`). */
export interface Line {
  readonly number: number;
  readonly direction: "out" | "in";
  /** Where an outgoing one leads. */
  readonly to?: Address | undefined;
  /** The key that the other side has proved. */
  readonly key?: string | undefined;
  readonly openedMs: number;
  isUp: boolean;
  /** Who has spoken on it since it is up. */
  peer: string | undefined;
}

/** The lines of one process, by number. */
export class Lines {
  readonly #lines = new Map<number, Line>();
  #next = 1;

  get size(): number {
    return this.#lines.size;
  }

  get(number: number): Line | undefined {
    return this.#lines.get(number);
  }

  values(): IterableIterator<Line> {
    return this.#lines.values();
  }

  out(to: Address, nowMs: number): Line {
    const { key } = to;
    return this.#add({ direction: "out", to, key, openedMs: nowMs, isUp: false, peer: undefined });
  }

  in(key: string | undefined, nowMs: number): Line {
    return this.#add({ direction: "in", key, openedMs: nowMs, isUp: true, peer: undefined });
  }

  remove(number: number): void {
    this.#lines.delete(number);
  }

  /** True when somebody dials that address now. */
  dials(at: string): boolean {
    return [...this.#lines.values()].some((line) => line.to?.at === at);
  }

  /** Those that are up and on which this peer has spoken. */
  of(id: string): Line[] {
    return [...this.#lines.values()].filter((line) => line.isUp && line.peer === id);
  }

  #add(line: Omit<Line, "number">): Line {
    const added = { ...line, number: this.#next++ };
    this.#lines.set(added.number, added);
    return added;
  }
}

/**
 * Of several lines to one peer, those that this side is to give up. One stays: the one that the
 * lower id has dialled, the oldest of them. Only who has dialled a line ends it, so that the two sides
 * never end both.
 */
export function surplus(lines: readonly Line[], isLower: boolean): Line[] {
  const own = lines.filter(({ direction }) => direction === "out");
  const isCalled = own.length < lines.length;
  return !isLower && isCalled ? own : own.slice(1);
}
