/** Beyond this the two clocks are brought together again, milliseconds. */
const DRIFT_MS_MAX = 20;

let offsetMs = performance.timeOrigin;

/** Time of day of an instant of `performance.now()`, milliseconds with a fraction. */
export const timeOf = (performanceMs: number): number => offsetMs + performanceMs;

/** Time of day, milliseconds with a fraction. */
export const nowMs = (): number => timeOf(performance.now());

/** Follows a time of day that was set anew; to be called now and then. */
export function syncClock(): void {
  const drift = Date.now() - nowMs();
  if (Math.abs(drift) > DRIFT_MS_MAX) offsetMs += drift;
}

/** Time of day of a time of the SDK, milliseconds with a fraction. */
export const timeOfHr = ([seconds, ns]: readonly [number, number]): number =>
  seconds * 1_000 + ns / 1e6;
