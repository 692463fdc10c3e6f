/** Makes calls with a fixed number in flight. `call` must settle each time. */
export interface Load {
  /** Calls that wait for an answer at a time. */
  readonly inFlight: number;
  /** How long to measure, milliseconds. */
  readonly ms: number;
}

/** What a load has measured. */
export interface Measured {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const SAMPLES_MAX = 200_000;

/** Runs `call` in a closed loop: a new one begins when one has ended. */
export async function runLoad(
  call: () => Promise<unknown>,
  { inFlight, ms }: Load,
): Promise<Measured> {
  const samples: number[] = [];
  let calls = 0;
  const startedAtMs = performance.now();
  const endAtMs = startedAtMs + ms;
  const lane = async (): Promise<void> => {
    for (let from = performance.now(); from < endAtMs; ) {
      await call();
      const now = performance.now();
      calls++;
      if (samples.length < SAMPLES_MAX) samples.push(now - from);
      from = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - startedAtMs) / 1_000;
  samples.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((samples[Math.floor(samples.length * share)] ?? 0) * 1_000);
  return { perSecond: Math.round(calls / seconds), p50Us: at(0.5), p99Us: at(0.99) };
}

/** The middle one of `values`. */
export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** The value that `share` (0 to 1) of `values` lie below. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Milliseconds by the clock that all processes of a machine share. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;
