import type { Address } from "./message.ts";

/** A line to somebody, dialled (`out`) or accepted (`in`). */
export interface Line {
  readonly number: number;
  readonly direction: "out" | "in";
  /** Where an outgoing one leads. */
  readonly to?: Address | undefined;
  /** The key that the other side has proved. */
  readonly key?: string | undefined;
  isUp: boolean;
  /** Who has spoken on it since it is up. */
  readonly peer: string | undefined;
}

type Owned = { -readonly [Key in keyof Line]: Line[Key] };

/** The lines of one process: by number, by peer, by address. */
export class Lines {
  readonly #lines = new Map<number, Owned>();
  readonly #byPeer = new Map<string, Set<Line>>();
  readonly #dialled = new Map<string, Line>();
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

  /** A line to an address that nobody dials yet. */
  out(to: Address): Line {
    const { key } = to;
    const line = this.#add({ direction: "out", to, key, isUp: false });
    this.#dialled.set(to.at, line);
    return line;
  }

  /** A line that somebody has dialled. */
  in(key: string | undefined): Line {
    return this.#add({ direction: "in", to: undefined, key, isUp: false });
  }

  remove(line: Line): void {
    this.belongs(line, undefined);
    this.#lines.delete(line.number);
    if (line.to !== undefined) this.#dialled.delete(line.to.at);
  }

  /** True when a line leads to that address. */
  dials(at: string): boolean {
    return this.#dialled.has(at);
  }

  /** Those that are up and on which this peer has spoken. */
  of(id: string): Line[] {
    return [...(this.#byPeer.get(id) ?? [])].filter(({ isUp }) => isUp);
  }

  /** Whose line it is; `undefined`: that has yet to be said. */
  belongs(line: Line, id: string | undefined): void {
    const owned = this.#lines.get(line.number);
    if (owned === undefined || owned.peer === id) return;
    const before = owned.peer === undefined ? undefined : this.#byPeer.get(owned.peer);
    before?.delete(owned);
    if (owned.peer !== undefined && before?.size === 0) this.#byPeer.delete(owned.peer);
    owned.peer = id;
    if (id === undefined) return;
    const own = this.#byPeer.get(id) ?? new Set();
    this.#byPeer.set(id, own.add(owned));
  }

  #add(line: Omit<Line, "number" | "peer">): Line {
    const added = { ...line, number: this.#next++, peer: undefined };
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
