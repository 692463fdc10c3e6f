/** Severities of OTLP by their lowest number. */
export const SEVERITIES = [
  [1, "trace"],
  [5, "debug"],
  [9, "info"],
  [13, "warn"],
  [17, "error"],
  [21, "fatal"],
] as const;

/** The word for a severity number; 0 is not known. */
export const severityOf = (number: number): string =>
  SEVERITIES.findLast(([lowest]) => number >= lowest)?.[1] ?? "log";
