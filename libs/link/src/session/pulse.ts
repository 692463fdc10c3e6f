import type { SessionSettings } from "./settings.ts";

const STALLED_BEATS = 3;
const DOWN_BEATS = 10;
const HELLO_WAIT_MS_MAX = 5_000;
/** A busy listener takes its time to answer: who asks again at once makes it busier. */
const HELLO_PAUSE_MS = 250;
/** The dialer asks first, so that an idle session has one question a beat and not two. */
const ACCEPTOR_PATIENCE = 1.5;
/** Whatever the peer wants, it is asked once a minute. */
const BEAT_MS_MAX = 60_000;
const ENDED_WAIT_MS = 200;

/** What the silence of a peer means. */
export type Silence = "none" | "stalled" | "down";

/** When the peer was last heard, asked, greeted and lost, and what is therefore due. */
export class Pulse {
  readonly #settings: SessionSettings;
  readonly #patience: number;
  #beatMs: number;
  #heardAtMs = 0;
  #askedAtMs = 0;
  #lostAtMs = 0;
  #helloAtMs = 0;
  #helloWaitMs: number;

  constructor(settings: SessionSettings, role: "dialer" | "acceptor") {
    this.#settings = settings;
    this.#beatMs = settings.beatMs;
    this.#patience = role === "acceptor" ? ACCEPTOR_PATIENCE : 1;
    this.#helloWaitMs = settings.helloMs;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  /** The peer has many to look after and wants to be asked less often than this side would. */
  slower(beatMs: number): void {
    this.#beatMs = Math.max(this.#settings.beatMs, Math.min(BEAT_MS_MAX, beatMs));
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
    this.#helloWaitMs = Math.min(this.#helloWaitMs, HELLO_PAUSE_MS);
    return false;
  }

  /** True when the line has been away longer than a session is kept. */
  isTooLong(nowMs: number): boolean {
    return nowMs - this.#lostAtMs > this.#settings.resumeMs;
  }

  silence(nowMs: number): Silence {
    const beats = (nowMs - this.#heardAtMs) / this.#beatMs;
    if (beats > DOWN_BEATS) return "down";
    return beats > STALLED_BEATS ? "stalled" : "none";
  }

  /**
   * True, once a beat, when the peer should be asked for a sign of life: it is silent, or the
   * oldest packet in flight has waited two beats.
   */
  asks(nowMs: number, oldestSentAtMs = nowMs): boolean {
    const beatMs = this.#beatMs;
    const silent = nowMs - this.#heardAtMs >= beatMs * this.#patience;
    const unsure = nowMs - oldestSentAtMs >= 2 * beatMs;
    if (!(silent || unsure) || nowMs - this.#askedAtMs < beatMs) return false;
    this.#askedAtMs = nowMs;
    return true;
  }
}
