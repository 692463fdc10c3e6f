import { Random } from "../random.ts";
import { codecTarget } from "./codec-target.ts";
import { mutate } from "./mutate.ts";
import { sessionTarget } from "./session-target.ts";
import type { FuzzTarget, Input } from "./target.ts";

const FRESH_SHARE = 0.3;
const CORPUS_MAX = 200;
const KEPT_BYTES_MAX = 600;

/** Everything of link that takes bytes from strangers. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [codecTarget, sessionTarget];

/** An input that broke something. */
export interface Crash {
  readonly target: string;
  readonly input: Input;
  readonly error: Error;
}

const sizeOf = (input: Input): number => input.reduce((sum, piece) => sum + piece.length, 0);

/**
 * Feeds one target with made-up and mutated inputs, and keeps those that did something new (by
 * what the target says happened: there is no coverage to look at in plain Node).
 */
export class Fuzzer {
  readonly target: FuzzTarget;
  readonly #random: Random;
  readonly #corpus: Input[] = [];
  readonly #seen = new Map<string, number>();
  runs = 0;
  slowestUs = 0;

  /** @param seed the same seed and corpus give the same inputs */
  constructor(target: FuzzTarget, seed: number) {
    this.target = target;
    this.#random = new Random(seed);
  }

  /** Inputs that each did something new, at most 200. */
  get corpus(): readonly Input[] {
    return this.#corpus;
  }

  /** How often each thing happened. */
  outcomes(): ReadonlyMap<string, number> {
    return this.#seen;
  }

  /** Feeds one more input. @returns the crash, when it broke something */
  step(): Crash | undefined {
    return this.feed(this.#next());
  }

  /** Feeds `input`. */
  feed(input: Input): Crash | undefined {
    this.runs++;
    const startMs = performance.now();
    try {
      const outcome = this.target.run(input);
      this.#keep(outcome, input);
    } catch (error) {
      return { target: this.target.name, input, error: error as Error };
    }
    this.slowestUs = Math.max(this.slowestUs, Math.round((performance.now() - startMs) * 1_000));
    return undefined;
  }

  #next(): Input {
    if (this.#corpus.length === 0 || this.#random.chance(FRESH_SHARE)) {
      return this.target.make(this.#random);
    }
    return mutate(this.#random.pick(this.#corpus), this.#random.pick(this.#corpus), this.#random);
  }

  #keep(outcome: string, input: Input): void {
    const times = this.#seen.get(outcome) ?? 0;
    this.#seen.set(outcome, times + 1);
    const isNew = times === 0 && sizeOf(input) <= KEPT_BYTES_MAX;
    if (isNew && this.#corpus.length < CORPUS_MAX) this.#corpus.push(input);
  }
}
