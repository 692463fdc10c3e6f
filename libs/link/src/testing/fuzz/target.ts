import type { Random } from "../random.ts";

/** What a target is fed with: one or more pieces of bytes. */
export type Input = readonly Buffer[];

/** Something that takes bytes from strangers. */
export interface FuzzTarget {
  readonly name: string;
  /** A well-formed input, or nearly. */
  make(random: Random): Input;
  /**
   * Feeds it, and checks what must hold whatever it is fed with.
   * @returns what happened, in few words: inputs with new words are kept
   * @throws Error when something does not hold
   */
  run(input: Input): string;
}

/** What happened does not depend on numbers: `3 bytes after the value` is like `4 bytes …`. */
export const withoutNumbers = (text: string): string => text.replaceAll(/\d+/g, "#");
