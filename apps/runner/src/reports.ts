import type { ObservedInstance } from "@zeroplane/deploy-api";

const RETRY_MS = 500;

/** Tells the platform what is seen of each instance: the newest sight of each, until it is heard. */
export class Reports {
  readonly #send: (observed: readonly ObservedInstance[]) => PromiseLike<void>;
  readonly #onError: (error: unknown) => void;
  readonly #pending = new Map<string, ObservedInstance>();
  #sending: Promise<void> | undefined;
  #closed = false;

  constructor(
    send: (observed: readonly ObservedInstance[]) => PromiseLike<void>,
    onError: (error: unknown) => void,
  ) {
    this.#send = send;
    this.#onError = onError;
  }

  add(observed: ObservedInstance): void {
    this.#pending.set(observed.id, observed);
    this.#sending ??= this.#run().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Sends what is pending once more, then gives up. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#sending;
  }

  async #run(): Promise<void> {
    while (this.#pending.size > 0) {
      const batch = [...this.#pending.values()];
      try {
        await this.#send(batch);
        for (const each of batch) {
          if (this.#pending.get(each.id) === each) this.#pending.delete(each.id);
        }
      } catch (error) {
        this.#onError(error);
        if (this.#closed) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
