/** A duration in three digits, with its unit. */
export function duration(ms: number): string {
  if (ms < 0.001) return "0";
  const three = (value: number): number => Number(value.toPrecision(3));
  if (three(ms) < 1) return `${digits(three(ms * 1_000))} µs`;
  if (three(ms) < 1_000) return `${digits(three(ms))} ms`;
  if (three(ms) < 60_000) return `${digits(three(ms / 1_000))} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

/** Made once: each costs as much as a thousand uses. */
const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "numeric",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});
const DAY = new Intl.DateTimeFormat();

/** A point in time as the reader's clock shows it, to the millisecond. */
export const time = (ms: number): string => `${DAY.format(ms)} ${clock(ms)}`;

/** The same of a day that goes without saying. */
export const clock = (ms: number): string => CLOCK.format(ms);

/** A share as a percentage. */
export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** A count with the word for what is counted. */
export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString()} ${n === 1 ? one : many}`;

/** A value of an attribute on one line. */
export const shown = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "");
