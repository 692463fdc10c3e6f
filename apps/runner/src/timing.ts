/** All times an instance lives by, milliseconds unless said otherwise. */
export interface Timing {
  /** From start to the first successful probe, unless the app's health check says so (60 000). */
  readonly startMs: number;
  /** First pause between probes of a start (50); it grows by half each time. */
  readonly probeMinMs: number;
  /** Longest pause between probes of a start (500). */
  readonly probeMaxMs: number;
  /** When a probe counts as unanswered (2 000). */
  readonly probeTimeoutMs: number;
  /** Pause between probes of a healthy app (5 000). */
  readonly livenessMs: number;
  /** Failed probes in a row after which a healthy app is restarted (3). */
  readonly livenessFailures: number;
  /** Pause before the second restart (1 000); doubled each time. The first is at once. */
  readonly backoffMs: number;
  /** Longest pause before a restart (60 000). */
  readonly backoffMaxMs: number;
  /** Healthy for so long, an app starts again with no pause (300 000). */
  readonly forgiveMs: number;
  /** From SIGTERM to SIGKILL (10 000). */
  readonly stopMs: number;
}

/** The times of the platform. */
export const TIMING: Timing = {
  startMs: 60_000,
  probeMinMs: 50,
  probeMaxMs: 500,
  probeTimeoutMs: 2_000,
  livenessMs: 5_000,
  livenessFailures: 3,
  backoffMs: 1_000,
  backoffMaxMs: 60_000,
  forgiveMs: 300_000,
  stopMs: 10_000,
};

/**
 * The pause before a restart: 0, 1, 2, 4 … 60 s.
 * @param crashes ends in a row, the last one included; at least 1
 * @param timing first pause and longest pause
 */
export function restartPauseMs(crashes: number, timing: Timing): number {
  if (crashes <= 1) return 0;
  return Math.min(timing.backoffMaxMs, timing.backoffMs * 2 ** Math.min(crashes - 2, 30));
}
