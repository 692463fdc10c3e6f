import type { Host } from "@zeroplane/link/testing";
import type { State } from "../state/state.ts";

interface Point {
  readonly epoch: number;
  readonly version: number;
}

interface Shown extends Point {
  readonly under: string;
  readonly entries: readonly [string, number][];
}

/** Every version that an owner ever had, and what each view has shown and applied of them. */
export class StateBook {
  readonly #versions = new Map<string, readonly [string, number][]>();
  readonly #shown = new Map<string, Point>();
  readonly #applied = new Map<string, Map<number, number>>();
  readonly #counters = new Map<number, { added: number; perhaps: number }>();
  #failure: unknown;
  versions = 0;
  lives = 0;

  /** The owner has another version, or begins. */
  changed(state: State<number>): void {
    this.#versions.set(`${state.epoch}/${state.version}`, state.entries());
    this.versions++;
  }

  /** A view begins: what the one before it showed is no measure for it. */
  boots(name: string): void {
    this.#shown.delete(name);
    // The session of a process that crashed is remembered for a while, with what it has seen.
    if (!this.#applied.has(name)) this.#applied.set(name, new Map());
  }

  /** A view shows something: it was a version of the owner, and no earlier one than before. */
  shows(name: string, { nowMs }: Host, { epoch, version, under, entries }: Shown): void {
    const was = this.#versions.get(`${epoch}/${version}`);
    const wanted = was?.filter(([key]) => key.startsWith(under));
    if (JSON.stringify(wanted) !== JSON.stringify(entries))
      this.#fail(
        `${name} at ${nowMs} shows ${JSON.stringify(entries)} as ${version}, which was ${JSON.stringify(wanted)}`,
      );
    const before = this.#shown.get(name);
    if (before?.epoch === epoch && version < before.version)
      this.#fail(`${name} goes back from ${before.version} to ${version}`);
    this.#shown.set(name, { epoch, version });
  }

  /** A view has done with a version. */
  applied(name: string, { epoch, version }: Point): void {
    const applied = this.#applied.get(name);
    applied?.set(epoch, Math.max(version, applied.get(epoch) ?? 0));
  }

  /** Somebody adds one to the counter. */
  adding(epoch: number): { readonly done: () => void; readonly failed: (error: unknown) => void } {
    const counter = this.#counters.get(epoch) ?? { added: 0, perhaps: 0 };
    this.#counters.set(epoch, counter);
    counter.perhaps++;
    return {
      done: () => {
        counter.perhaps--;
        counter.added++;
      },
      failed: (error) => {
        const isRefused = (error as { code?: string }).code === "ERR_CONFLICT";
        if (isRefused) counter.perhaps--;
      },
    };
  }

  /** Each addition that was answered counts once. */
  checkCounter(epoch: number, value: number): void {
    const { added, perhaps } = this.#counters.get(epoch) ?? { added: 0, perhaps: 0 };
    if (value < added || value > added + perhaps)
      this.#fail(`${added} were added, ${perhaps} perhaps, and the counter is at ${value}`);
    this.rethrow();
  }

  /** What the owner believes of its viewers is true. */
  checkSeen(state: State<number>): void {
    for (const { node, version } of state.viewers()) {
      const applied = this.#applied.get(node)?.get(state.epoch) ?? 0;
      if (version > applied)
        this.#fail(`${node} is said to have seen ${version}, and has applied ${applied}`);
    }
  }

  /** Throws the first promise that was broken: handlers must not hide it. */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(what: string): void {
    this.#failure ??= new Error(what);
  }
}
