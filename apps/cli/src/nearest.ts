/**
 * The one of `known` that `word` was most likely meant to be, or `undefined` when none is near.
 * Nearness is Levenshtein's edit distance, at most a third of the word's length and one.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((each) => ({ each, away: distance(word, each) }))
    .filter(({ each, away }) => away <= 1 + Math.max(word.length, each.length) / 3)
    .toSorted((a, b) => a.away - b.away);
  return near[0]?.each;
}

/** Wagner and Fischer's table, one row at a time. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
