/** Intervals without a beat after which the other side is lost, as Python counts them. */
const PATIENCE = 3;

/** How a {@link Heartbeat} begins. */
export interface HeartbeatOptions {
  /** Between two beats, milliseconds. */
  readonly intervalMs: number;
  /** Neither beats nor minds until the other side has beaten, as towards peers of version 1. */
  readonly passive: boolean;
}

/** Both beats of one channel: ours when they are due, and whether theirs still come. */
export class Heartbeat {
  readonly #intervalMs: number;
  #nextMs: number;
  #heardMs: number | undefined;

  constructor({ intervalMs, passive }: HeartbeatOptions, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.#nextMs = nowMs + intervalMs;
    this.#heardMs = passive ? undefined : nowMs;
  }

  /** A beat of the other side came. */
  heard(nowMs: number): void {
    if (this.#heardMs === undefined) this.#nextMs = nowMs + this.#intervalMs;
    this.#heardMs = nowMs;
  }

  /** @returns `beat` when one is due, `lost` when the other side has been silent for too long */
  tick(nowMs: number): "beat" | "lost" | undefined {
    if (this.#heardMs === undefined) return undefined;
    if (nowMs - this.#heardMs >= PATIENCE * this.#intervalMs) return "lost";
    if (nowMs < this.#nextMs) return undefined;
    this.#nextMs += this.#intervalMs;
    if (this.#nextMs <= nowMs) this.#nextMs = nowMs + this.#intervalMs;
    return "beat";
  }

  /** This process itself was not looking for so long, milliseconds: nobody is to blame. */
  forgive(ms: number): void {
    if (this.#heardMs !== undefined) this.#heardMs += ms;
  }
}

/** How long this process did not look, when that was long: what came meanwhile is still unread. */
export class Gap {
  readonly #intervalMs: number;
  #lastMs: number | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** @returns milliseconds to forgive */
  tick(nowMs: number): number {
    const sinceMs = nowMs - (this.#lastMs ?? nowMs);
    this.#lastMs = nowMs;
    return sinceMs > this.#intervalMs ? sinceMs : 0;
  }
}
