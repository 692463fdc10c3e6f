import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { performance } from "node:perf_hooks";
import { RunnerError } from "./runner-error.ts";

/** Where ports come from. */
export interface PortsOptions {
  /** Address the apps listen on (default 127.0.0.1). */
  readonly host?: string;
  /** First and last port, both included (default 20 000 to 29 999: below the ports the kernel deals). */
  readonly range?: readonly [number, number];
  /** How long a port rests after it was given back, milliseconds (default 30 000). */
  readonly quarantineMs?: number;
}

/**
 * Ports of one host, each held by one instance at most. A port given back rests a while, so that a
 * router with an old table never finds another app behind it.
 */
export class Ports {
  readonly host: string;
  readonly #range: readonly [number, number];
  readonly #quarantineMs: number;
  readonly #held = new Set<number>();
  readonly #restingUntilMs = new Map<number, number>();

  /** @param options range, address and quarantine */
  constructor(options: PortsOptions = {}) {
    this.host = options.host ?? "127.0.0.1";
    this.#range = options.range ?? [20_000, 29_999];
    this.#quarantineMs = options.quarantineMs ?? 30_000;
  }

  /**
   * Takes a port that nobody holds and nobody listens on, from a random place of the range on.
   * @throws RunnerError `ERR_RUNNER_PORTS` when there is none
   */
  async take(): Promise<number> {
    const [first, last] = this.#range;
    const count = last - first + 1;
    const start = randomInt(count);
    for (let step = 0; step < count; step++) {
      const port = first + ((start + step) % count);
      if (this.#held.has(port) || this.#isResting(port)) continue;
      this.#held.add(port);
      if (await this.isFree(port)) return port;
      this.#held.delete(port);
    }
    throw new RunnerError("ERR_RUNNER_PORTS", `no port from ${first} to ${last} is free`);
  }

  /** Gives a port back; it rests before it is dealt again. */
  release(port: number): void {
    if (!this.#held.delete(port)) return;
    this.#restingUntilMs.set(port, performance.now() + this.#quarantineMs);
  }

  /** True when nobody listens on a port now. */
  async isFree(port: number): Promise<boolean> {
    const server = createServer();
    server.listen({ port, host: this.host, exclusive: true });
    try {
      await once(server, "listening");
    } catch {
      return false;
    }
    server.close();
    await once(server, "close");
    return true;
  }

  #isResting(port: number): boolean {
    const untilMs = this.#restingUntilMs.get(port);
    if (untilMs === undefined) return false;
    if (untilMs > performance.now()) return true;
    this.#restingUntilMs.delete(port);
    return false;
  }
}
