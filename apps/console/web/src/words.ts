/** A duration in at most four digits, with its unit. */
export function duration(ms: number): string {
  if (ms < 0.001) return "0";
  if (ms < 1) return `${(ms * 1_000).toFixed(ms < 0.1 ? 1 : 0)} µs`;
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

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
