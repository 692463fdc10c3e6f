/** Those who wait for the next change of something. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Lets everyone go on who waits now. */
  wake(): void {
    for (const go of this.#waiting) go();
  }

  /**
   * Resolves at the next {@link wake}, and after `timeoutMs` at the latest.
   * @throws the reason of `signal` when that aborts first
   */
  wait(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(go);
        signal?.removeEventListener("abort", aborted);
        settle();
      };
      const go = (): void => end(resolve);
      const aborted = (): void => end(() => reject(signal?.reason as Error));
      const timer = setTimeout(go, timeoutMs);
      this.#waiting.add(go);
      signal?.addEventListener("abort", aborted, { once: true });
    });
  }
}
