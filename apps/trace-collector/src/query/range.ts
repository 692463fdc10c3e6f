import type { SQLInputValue } from "node:sqlite";

/** A stretch of time, milliseconds since 1970; each side may be open. */
export interface Range {
  readonly fromMs?: number;
  readonly toMs?: number;
}

const MAX_US = Number.MAX_SAFE_INTEGER;

/** The range as SQL over spans `s`, with parameters from number `at` on. */
export function rangeOf(
  { fromMs, toMs }: Range,
  at = 1,
): { readonly where: string; readonly parameters: SQLInputValue[] } {
  const us = (ms: number | undefined, open: number): number =>
    ms === undefined ? open : Math.min(Math.round(ms * 1_000), MAX_US);
  return {
    where: `s.start_us BETWEEN ?${at} AND ?${at + 1}`,
    parameters: [us(fromMs, 0), us(toMs, MAX_US)],
  };
}
