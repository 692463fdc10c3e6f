/** How a process lets go of what it has at its end. */
export interface Endings {
  /** There is time: resolves once it is done. */
  readonly flush: () => Promise<void>;
  /** There is none: done when it returns. */
  readonly flushNow: () => void;
}

/**
 * Flushes when the process stops: on SIGTERM and when nothing is left to do with time for it, on `process.exit` and on an error
 * that nobody caught without. Whoever else listens to SIGTERM decides what comes of it; without one the process ends of it as
 * it would have.
 */
export function onStop({ flush, flushNow }: Endings): Disposable {
  const beforeExit = (): void => void flush();
  const sigterm = (): void => {
    const isAlone = process.listenerCount("SIGTERM") === 0;
    void flush().finally(() => {
      if (isAlone) process.kill(process.pid, "SIGTERM");
    });
  };
  process.once("beforeExit", beforeExit);
  // Before the others: those that listen once are gone when it is their turn.
  process.prependOnceListener("SIGTERM", sigterm);
  process.on("exit", flushNow);
  process.on("uncaughtExceptionMonitor", flushNow);
  return {
    [Symbol.dispose]: () => {
      process.off("beforeExit", beforeExit);
      process.off("SIGTERM", sigterm);
      process.off("exit", flushNow);
      process.off("uncaughtExceptionMonitor", flushNow);
    },
  };
}
