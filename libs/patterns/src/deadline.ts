/** How long something is waited for. */
export interface Deadline {
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What `promise` gives, when it does so in time.
 * @param late makes the error of a wait that took too long
 * @throws what `late` makes; the reason of `signal`; what `promise` throws
 */
export async function inTime<T>(
  promise: Promise<T>,
  { timeoutMs, signal }: Deadline,
  late: () => Error,
): Promise<T> {
  signal?.throwIfAborted();
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(() => over.reject(late()), timeoutMs);
  const aborted = (): void => over.reject(signal?.reason);
  signal?.addEventListener("abort", aborted, { once: true });
  try {
    return await Promise.race([promise, over.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  }
}
