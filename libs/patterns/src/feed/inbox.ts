import { PatternError } from "../errors.ts";
import type { Gap } from "./follower-core.ts";
import type { FeedMessage, Origin } from "./message.ts";
import type { Reset } from "./publishers.ts";

/**
 * What becomes of a follower that takes its messages more slowly than they come: it gets them from
 * the history when it has room (`"replay"`), the oldest that wait go and are told as a gap
 * (`"drop-oldest-and-say"`), or its iteration ends with ERR_LAGGED (`"die"`).
 */
export type SlowPolicy = "replay" | "drop-oldest-and-say" | "die";

/** How much may wait for a follower, of what came since it had caught up. */
export interface MaxLag {
  /** Messages (default 10 000). */
  readonly messages?: number;
  /** How long the oldest has waited, milliseconds (default any time). */
  readonly ms?: number;
}

/** What waits for a follower: a message, a gap or a publisher's new life. */
export type Entry =
  | { readonly origin: Origin; readonly message: FeedMessage; readonly liveAtMs?: number }
  | { readonly gap: Gap & Origin }
  | { readonly reset: Reset };

const MESSAGES_MAX = 10_000;
/** Entries that were taken stay in the list until there are this many. */
const TAKEN_MAX = 1_000;

/**
 * What waits until a follower takes it, bounded: what is asked of the history comes only while
 * there is room, and a policy says what happens to what comes by itself.
 */
export class Inbox {
  readonly #name: string;
  readonly #slow: SlowPolicy;
  readonly #messagesMax: number;
  readonly #msMax: number;
  #entries: Entry[] = [];
  #taken = 0;
  #live = 0;
  #isFull = false;
  /** No entry before this one came by itself. */
  #liveAt = 0;
  /** What became of what was dropped from the front: one gap for each life of a publisher. */
  readonly #gone = new Map<string, Entry>();
  /** Why nothing more is taken in: it has died. */
  fault: PatternError | undefined;
  /** Messages that were dropped, each of them in a gap. */
  dropped = 0;

  /** @throws PatternError ERR_BAD_OPTION when a limit is not above 0 */
  constructor(name: string, slow: SlowPolicy = "replay", maxLag: MaxLag = {}) {
    this.#name = name;
    this.#slow = slow;
    this.#messagesMax = maxLag.messages ?? MESSAGES_MAX;
    this.#msMax = maxLag.ms ?? Number.POSITIVE_INFINITY;
    if (this.#messagesMax >= 1 && this.#msMax > 0) return;
    throw new PatternError("ERR_BAD_OPTION", `maxLag of ${name}: at least 1 message, above 0 ms`);
  }

  /** Messages, gaps and resets that wait. */
  get waiting(): number {
    return this.#entries.length - this.#taken + this.#gone.size;
  }

  /** How long the oldest of what came by itself has waited, milliseconds. */
  lagMs(nowMs: number): number {
    for (; this.#live > 0 && this.#liveAt < this.#entries.length; this.#liveAt++) {
      const entry = this.#entries[this.#liveAt];
      if (entry !== undefined && "message" in entry && entry.liveAtMs !== undefined)
        return nowMs - entry.liveAtMs;
    }
    return 0;
  }

  /** False from full until half of it was taken. */
  hasRoom(nowMs: number): boolean {
    if (this.fault !== undefined) return false;
    const waiting = this.#entries.length - this.#taken;
    if (waiting >= this.#messagesMax || this.#isLate(nowMs)) this.#isFull = true;
    else if (waiting <= this.#messagesMax / 2) this.#isFull = false;
    return !this.#isFull;
  }

  /** A message came, by itself (`isLive`) or because it was asked for. */
  push(origin: Origin, message: FeedMessage, isLive: boolean, nowMs: number): void {
    if (this.fault !== undefined) return;
    if (!isLive) {
      this.#entries.push({ origin, message });
      return;
    }
    this.#entries.push({ origin, message, liveAtMs: nowMs });
    this.#live++;
    this.check(nowMs);
  }

  /** Numbers were lost. */
  gap(gap: Gap & Origin): void {
    if (this.fault === undefined) this.#entries.push({ gap });
  }

  /** A publisher has begun another life. */
  reset(reset: Reset): void {
    if (this.fault === undefined) this.#entries.push({ reset });
  }

  /** @returns what was first, if anything waits */
  take(): Entry | undefined {
    for (const [key, entry] of this.#gone) {
      this.#gone.delete(key);
      return entry;
    }
    return this.#shift();
  }

  /** Does what the policy says when too much has waited for too long; due now and then. */
  check(nowMs: number): void {
    if (this.#slow === "replay" || this.fault !== undefined) return;
    if (this.#slow === "die") {
      if (this.#live > this.#messagesMax || this.#isLate(nowMs)) this.#die(nowMs);
      return;
    }
    while (this.#live > this.#messagesMax || this.#isLate(nowMs)) this.#drop();
  }

  #isLate(nowMs: number): boolean {
    return this.#msMax !== Number.POSITIVE_INFINITY && this.lagMs(nowMs) > this.#msMax;
  }

  #die(nowMs: number): void {
    const lag = `${this.#live} messages, the oldest for ${Math.round(this.lagMs(nowMs))} ms`;
    const limits = `maxLag is ${this.#messagesMax} messages, ${this.#msMax} ms`;
    const way = "take them faster, allow more, or let it be slow: 'replay'";
    const text = `the follower of ${this.#name} is too slow: ${lag} wait; ${limits}; ${way}`;
    this.fault = new PatternError("ERR_LAGGED", text);
    this.#entries = [];
    this.#gone.clear();
    this.#taken = 0;
    this.#liveAt = 0;
    this.#live = 0;
  }

  #drop(): void {
    const entry = this.#shift();
    if (entry === undefined) return;
    if ("reset" in entry) this.#gone.set(`reset of ${entry.reset.node}`, entry);
    else if ("gap" in entry) this.#lose(entry.gap);
    else {
      this.dropped++;
      const { seq } = entry.message;
      this.#lose({ from: seq, to: seq, ...entry.origin });
    }
  }

  #lose(gap: Gap & Origin): void {
    const key = `${gap.node}/${gap.epoch}`;
    const gone = this.#gone.get(key);
    const before = gone !== undefined && "gap" in gone ? gone.gap : gap;
    const bounds = { from: Math.min(gap.from, before.from), to: Math.max(gap.to, before.to) };
    this.#gone.set(key, { gap: { ...gap, ...bounds } });
  }

  #shift(): Entry | undefined {
    const entry = this.#entries[this.#taken];
    if (entry === undefined) return undefined;
    this.#taken++;
    this.#liveAt = Math.max(this.#liveAt, this.#taken);
    if ("message" in entry && entry.liveAtMs !== undefined) this.#live--;
    if (this.#taken < TAKEN_MAX) return entry;
    this.#entries = this.#entries.slice(this.#taken);
    this.#liveAt -= this.#taken;
    this.#taken = 0;
    return entry;
  }
}
