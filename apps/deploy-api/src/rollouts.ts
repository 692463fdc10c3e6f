import { AsyncLocalStorage } from "node:async_hooks";
import { ApiError } from "./api-error.ts";
import type { DeployRecord } from "./deploy-store.ts";
import { Rollout, type RolloutParts } from "./rollout.ts";

/**
 * Runs rollouts: one at a time for each app, the newest of those that wait. A rollout that a
 * restart of this process has interrupted goes on.
 */
export class Rollouts {
  readonly #parts: RolloutParts;
  readonly #signal: AbortSignal;
  /** A rollout outlives the call that asked for it, so it must not inherit its deadline. */
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #running = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, DeployRecord>();

  constructor(parts: RolloutParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Takes up what has not ended. */
  resume(): void {
    for (const deploy of this.#parts.deploys.unfinished()) this.start(deploy);
  }

  /** Starts a rollout, or has it wait for the one of its app; an older waiting one is superseded. */
  start(deploy: DeployRecord): void {
    const { app } = deploy;
    if (!this.#running.has(app)) {
      const rollout = new Rollout(this.#parts, deploy, this.#signal);
      const run = this.#outside(() => rollout.run());
      this.#running.set(
        app,
        run.finally(() => this.#ended(app)),
      );
      return;
    }
    const older = this.#waiting.get(app);
    if (older !== undefined) this.#supersede(older, deploy);
    this.#waiting.set(app, deploy);
    this.#event(deploy, "waits for the deploy before it");
  }

  /** Resolves when no rollout runs. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  #ended(app: string): void {
    this.#running.delete(app);
    const next = this.#waiting.get(app);
    this.#waiting.delete(app);
    if (next !== undefined && !this.#signal.aborted) this.start(next);
  }

  #supersede(older: DeployRecord, newer: DeployRecord): void {
    const message = `superseded by ${newer.id}`;
    const { code } = new ApiError("ERR_SUPERSEDED", message);
    this.#parts.deploys.finish(older.id, "superseded", { phase: "build", code, message });
    this.#parts.deploys.event({ deployId: older.id, phase: "done", status: "failed", message });
  }

  #event(deploy: DeployRecord, message: string): void {
    this.#parts.deploys.event({
      deployId: deploy.id,
      phase: "queued",
      status: "progress",
      message,
    });
  }
}
