/**
 * Those of `known` that `word` may have been meant to be, the likeliest first. Nearness is
 * Levenshtein's edit distance without regard to case, at most a third of the longer word and one; a
 * dotted name counts by its last part as well.
 *
 * @param word what was written
 * @param known the names that there are
 */
export function nearest(word: string, known: readonly string[]): string[] {
  return known
    .map((each) => ({ each, away: Math.min(far(word, each), far(lastOf(word), lastOf(each))) }))
    .filter(({ away }) => Number.isFinite(away))
    .sort((a, b) => a.away - b.away)
    .map(({ each }) => each);
}

const lastOf = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

/** The distance, or `Infinity` when it is too far to be meant. */
function far(word: string, name: string): number {
  const away = distance(word.toLowerCase(), name.toLowerCase());
  return away <= 1 + Math.max(word.length, name.length) / 3 ? away : Number.POSITIVE_INFINITY;
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
