import type { SessionSettings } from "./settings.ts";

const STALLED_BEATS = 3;
const DOWN_BEATS = 10;
const HELLO_WAIT_MS_MAX = 5_000;
const HELLO_PAUSE_MS = 20;
const ENDED_WAIT_MS = 200;

/** What the silence of a peer means. */
export type Silence = "none" | "stalled" | "down";

/** When the peer was last heard, asked, greeted and lost, and what is therefore due. */
export class Pulse {
  readonly #settings: SessionSettings;
  #heardAtMs = 0;
  #askedAtMs = 0;
  #lostAtMs = 0;
  #helloAtMs = 0;
  #helloWaitMs: number;

  constructor(settings: SessionSettings) {
    this.#settings = settings;
    this.#helloWaitMs = settings.helloMs;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  lost(nowMs: number): void {
    this.#lostAtMs = nowMs;
    this.#helloWaitMs = this.#settings.helloMs;
  }

  /** A hello goes out. Each unanswered one doubles the wait for the next, up to 5 s: libzmq keeps
   * them all for a peer that is away. */
  greeted(nowMs: number): void {
    if (nowMs - this.#helloAtMs >= this.#helloWaitMs) {
      const longer = Math.min(HELLO_WAIT_MS_MAX, this.#helloWaitMs * 2);
      this.#helloWaitMs = Math.max(this.#settings.helloMs, longer);
    }
    this.#helloAtMs = nowMs;
  }

  /** The peer ended the session, not the line: it may answer the next hello soon, if only with no. */
  ended(): void {
    this.#helloWaitMs = ENDED_WAIT_MS;
  }

  /** True when it is time for another hello. */
  wantsHello(nowMs: number): boolean {
    return nowMs - this.#helloAtMs >= this.#helloWaitMs;
  }

  /** True when a hello may go out at once; otherwise the next one comes soon. */
  hurries(nowMs: number): boolean {
    if (nowMs - this.#helloAtMs >= HELLO_PAUSE_MS) return true;
    this.#helloWaitMs = HELLO_PAUSE_MS;
    return false;
  }

  /** True when the line has been away longer than a session is kept. */
  isTooLong(nowMs: number): boolean {
    return nowMs - this.#lostAtMs > this.#settings.resumeMs;
  }

  silence(nowMs: number): Silence {
    const beats = (nowMs - this.#heardAtMs) / this.#settings.beatMs;
    if (beats > DOWN_BEATS) return "down";
    return beats > STALLED_BEATS ? "stalled" : "none";
  }

  /**
   * True, once a beat, when the peer should be asked for a sign of life: it is silent, or the
   * oldest packet in flight has waited two beats.
   */
  asks(nowMs: number, oldestSentAtMs = nowMs): boolean {
    const { beatMs } = this.#settings;
    const silent = nowMs - this.#heardAtMs >= beatMs;
    const unsure = nowMs - oldestSentAtMs >= 2 * beatMs;
    if (!(silent || unsure) || nowMs - this.#askedAtMs < beatMs) return false;
    this.#askedAtMs = nowMs;
    return true;
  }
}
