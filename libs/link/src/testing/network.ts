import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** One message: frames of bytes. */
export type Message = readonly Uint8Array[];

/** How a direction of the network treats messages. */
export interface Conditions {
  /** Probability that a message is lost. */
  readonly loss: number;
  /** Probability that a message comes twice. */
  readonly duplication: number;
  /** Bounds of the time on the way; each message has its own, so later ones overtake. */
  readonly delayMs: readonly [number, number];
  /** True when messages of one direction keep their order, as they do in one TCP connection. */
  readonly ordered: boolean;
}

/** A network that loses nothing and is quick. */
export const CALM: Conditions = { loss: 0, duplication: 0, delayMs: [0, 1], ordered: true };

/** Counters of a {@link Network}. */
export interface NetworkStats {
  sent: number;
  delivered: number;
  lost: number;
  duplicated: number;
}

/** Directions are named, and cut or made worse, one by one. */
export class Network {
  readonly stats: NetworkStats = { sent: 0, delivered: 0, lost: 0, duplicated: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #blocked = new Set<string>();
  readonly #lastAtMs = new Map<string, number>();
  readonly #generations = new Map<string, number>();
  #conditions = CALM;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** What holds for every direction from now on. */
  set conditions(conditions: Conditions) {
    this.#conditions = conditions;
  }

  /** Nothing passes from `from` to `to` until {@link unblock}; the way back is its own. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from}>${to}`);
  }

  /** Lets messages pass again. */
  unblock(from: string, to: string): void {
    this.#blocked.delete(`${from}>${to}`);
  }

  /** Every direction works again, under calm conditions. */
  heal(): void {
    this.#blocked.clear();
    this.#conditions = CALM;
  }

  /** What is on its way from `from` to `to` never comes. */
  drop(from: string, to: string): void {
    const way = `${from}>${to}`;
    this.#generations.set(way, (this.#generations.get(way) ?? 0) + 1);
  }

  /** Sends a message; `deliver` is called never, once or twice. */
  send(from: string, to: string, deliver: () => void): void {
    const { loss, duplication } = this.#conditions;
    this.stats.sent++;
    if (this.#blocked.has(`${from}>${to}`) || this.#random.chance(loss)) {
      this.stats.lost++;
      return;
    }
    this.#carry(`${from}>${to}`, deliver);
    if (!this.#random.chance(duplication)) return;
    this.stats.duplicated++;
    this.#carry(`${from}>${to}`, deliver);
  }

  #carry(way: string, deliver: () => void): void {
    const { delayMs, ordered } = this.#conditions;
    const generation = this.#generations.get(way) ?? 0;
    let atMs = this.#clock.nowMs + this.#random.between(delayMs[0], delayMs[1]);
    if (ordered) atMs = Math.max(atMs, this.#lastAtMs.get(way) ?? 0);
    this.#lastAtMs.set(way, atMs);
    this.#clock.after(atMs - this.#clock.nowMs, () => {
      if ((this.#generations.get(way) ?? 0) !== generation) {
        this.stats.lost++;
        return;
      }
      this.stats.delivered++;
      deliver();
    });
  }
}
