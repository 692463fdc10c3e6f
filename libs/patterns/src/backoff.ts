/** How the wait before a retry grows. */
export interface Backoff {
  /** First wait, milliseconds (default 1 000). */
  readonly firstMs: number;
  /** Longest wait, milliseconds (default 60 000). */
  readonly capMs: number;
}

/** How long to wait between attempts unless an option says otherwise. */
export const BACKOFF: Backoff = { firstMs: 1_000, capMs: 60_000 };

/** The wait after failed attempt number `attempt` (1, 2, …): doubled each time, up to the cap. */
export const delayAfter = (attempt: number, { firstMs, capMs }: Backoff): number =>
  Math.min(capMs, firstMs * 2 ** Math.max(0, attempt - 1));
