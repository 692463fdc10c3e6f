const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Ctrl-C and its kin while a command runs: the first one asks it to end, the second one insists. */
export class Interrupts implements Disposable {
  readonly #stop = new AbortController();
  #insist: (() => void) | undefined;
  readonly #heard = (): void => {
    if (this.#stop.signal.aborted) this.#insist?.();
    else this.#stop.abort(new Error("interrupted"));
  };

  constructor() {
    for (const name of STOP_SIGNALS) process.on(name, this.#heard);
  }

  /** Aborted by the first one. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** What the second one does (default nothing). */
  onSecond(insist: () => void): void {
    this.#insist = insist;
  }

  /** Resolves at the first one. */
  async first(): Promise<void> {
    if (this.signal.aborted) return;
    // Nothing else may be there to keep the process alive.
    const alive = setInterval(() => undefined, 60_000);
    await new Promise<void>((resolve) => {
      this.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    clearInterval(alive);
  }

  [Symbol.dispose](): void {
    for (const name of STOP_SIGNALS) process.off(name, this.#heard);
  }
}
