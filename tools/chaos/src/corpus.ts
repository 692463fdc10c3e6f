import type { Input } from "@zeroplane/link/testing";

/** An input and whom it is for. */
export interface CorpusEntry {
  readonly target: string;
  readonly input: Input;
}

/** A line each: the target, then its pieces in base64. */
export function readCorpus(text: string): CorpusEntry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [target = "", ...pieces] = line.split(" ");
      return { target, input: pieces.map((piece) => Buffer.from(piece, "base64")) };
    });
}

export function writeCorpus(entries: readonly CorpusEntry[]): string {
  return entries
    .map(({ target, input }) => {
      return `${[target, ...input.map((piece) => piece.toString("base64"))].join(" ")}\n`;
    })
    .join("");
}
