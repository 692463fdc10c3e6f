import type { FeedMessage } from "./message.ts";

/** Numbers of a feed that were published and cannot be had any more. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** What a follower asks of the world. */
export interface FollowerEffects {
  deliver(message: FeedMessage): void;
  /** Some messages between the two numbers, inclusive, may be lost for good. */
  gap(gap: Gap): void;
  /** Asks the publisher for what it has between the two numbers, inclusive. */
  ask(from: number, to: number): void;
}

/** What an answer says of itself. */
export interface Replay {
  /** The question. */
  readonly from: number;
  readonly to: number;
  /** The lowest number the publisher keeps. */
  readonly oldest: number;
  /** The lowest number that it has not looked at: after `to` when this is all. */
  readonly next: number;
  /** Numbers in between that were given and are not kept. */
  readonly holes: readonly Gap[];
}

/** What one beat says. */
export interface BeatOf {
  /** The last number that was given. */
  readonly head: number;
  /** The last message of each topic that changed. */
  readonly lasts: readonly (readonly [topic: string, seq: number])[];
}

interface Range {
  readonly from: number;
  readonly to: number;
}

const HELD_MAX = 10_000;
/** Gaps that are remembered, so that none is told twice. */
const TOLD_MAX = 100;
const ASK_MS = 1_000;

/**
 * Follows one life of one publisher under any filter: sees each message of its topics in order and
 * once, and every hole as a filled or a reported one. `prev` names the message before it of the
 * same topic, so a hole shows without seeing other topics; the beats name the last message of each
 * topic, so that a lost last one is missed too.
 */
export class FollowerCore {
  readonly #effects: FollowerEffects;
  readonly #start: number;
  readonly #last = new Map<string, number>();
  /** Lasts that a beat named and that had not come by then. */
  #missing = new Map<string, number>();
  #held: FeedMessage[] = [];
  #asked: (Range & { readonly next: number; readonly atMs: number }) | undefined;
  #seen: number;
  /** Up to here everything was delivered or told as a gap. */
  #complete: number;
  /** The head that the last beat named: complete when nothing of it is missing at the next. */
  #claimed: number;
  /** Up to here the publisher's beats do not tell everything. */
  #base = 0;
  #told: Gap[] = [];
  filled = 0;
  gaps = 0;
  duplicates = 0;

  /**
   * @param head number of the last message that is not wanted
   * @param topics the same for single topics, where it is another one
   */
  constructor(
    head: number,
    effects: FollowerEffects,
    topics: Iterable<readonly [topic: string, head: number]> = [],
  ) {
    this.#start = head;
    this.#seen = head;
    this.#complete = head;
    this.#claimed = head;
    this.#effects = effects;
    for (const [topic, last] of topics) this.#last.set(topic, last);
  }

  /** Highest number seen. */
  get seen(): number {
    return this.#seen;
  }

  /** A message came on the data lane. */
  message(message: FeedMessage, nowMs: number): void {
    const last = this.#lastOf(message.topic);
    if (message.seq <= last) this.duplicates++;
    else if (this.#asked !== undefined) this.#hold(message);
    else if (message.prev > last) {
      this.#hold(message);
      this.#ask({ from: last + 1, to: message.seq - 1 }, nowMs);
    } else this.#deliver(message);
  }

  /**
   * The publisher's answer to `ask`: what it still has of the wanted topics.
   * An answer to an earlier question, asked twice because the first answer was slow, is ignored.
   */
  replayed(messages: readonly FeedMessage[], about: Replay, nowMs: number): void {
    const asked = this.#asked;
    if (asked === undefined || about.from !== asked.next || about.to !== asked.to) return;
    if (about.oldest > asked.next) this.#lost(asked.next, Math.min(about.oldest - 1, asked.to));
    for (const { from, to } of about.holes) {
      this.#lost(Math.max(from, asked.next), Math.min(to, asked.to));
    }
    for (const message of messages) {
      if (message.seq <= this.#lastOf(message.topic)) continue;
      this.filled++;
      // Another topic may have a hole of its own before the range: then it waits for that.
      if (this.#follows(message, asked)) this.#deliver(message);
      else this.#hold(message);
    }
    const { next } = about;
    if (next > asked.next && next <= asked.to) this.#ask({ ...asked, next }, nowMs);
    else this.#settled(asked, nowMs);
  }

  /**
   * The publisher says where it is: the last message of each topic that changed. What is not here
   * may still be on its way, so it is asked for when the next beat finds it missing.
   */
  beat({ head, lasts }: BeatOf, nowMs: number): void {
    if (this.#asked !== undefined) {
      if (nowMs - this.#asked.atMs >= ASK_MS) this.#ask(this.#asked, nowMs);
    } else this.#askForMissing(nowMs);
    for (const [topic, seq] of lasts) if (seq > this.#lastOf(topic)) this.#missing.set(topic, seq);
    this.#claimed = Math.max(this.#claimed, head);
  }

  /**
   * The publisher is there again, and does not know every message of every topic up to `base`:
   * neither `prev` nor a beat tells that one is missing, so all since the last sure one is asked.
   */
  resumed(base: number): void {
    this.#base = Math.max(this.#base, base);
  }

  /** The publisher has begun another life: what is not here of this one cannot be had any more. */
  ended(): void {
    const held = this.#held.sort((a, b) => a.seq - b.seq);
    this.#held = [];
    this.#asked = undefined;
    this.#lost(this.#complete + 1, Number.MAX_SAFE_INTEGER);
    for (const message of held)
      if (message.seq > this.#lastOf(message.topic)) this.#deliver(message);
  }

  #lastOf(topic: string): number {
    return this.#last.get(topic) ?? this.#start;
  }

  #deliver(message: FeedMessage): void {
    this.#last.set(message.topic, message.seq);
    this.#seen = Math.max(this.#seen, message.seq);
    this.#effects.deliver(message);
  }

  #askForMissing(nowMs: number): void {
    let from = Number.POSITIVE_INFINITY;
    let to = 0;
    for (const [topic, seq] of this.#missing) {
      const last = this.#lastOf(topic);
      if (last >= seq) {
        this.#missing.delete(topic);
        continue;
      }
      from = Math.min(from, last + 1);
      to = Math.max(to, seq);
    }
    if (this.#base > this.#complete) {
      from = Math.min(from, this.#complete + 1);
      to = Math.max(to, this.#base);
    }
    if (to > 0) this.#ask({ from, to }, nowMs);
    else this.#complete = this.#claimed;
  }

  /** All of the range was sent: what is still not here is gone for good. */
  #settled(range: Range, nowMs: number): void {
    this.#asked = undefined;
    if (range.from <= this.#complete + 1) this.#complete = Math.max(this.#complete, range.to);
    for (const [topic, seq] of this.#missing) {
      const last = this.#lastOf(topic);
      if (seq > last && (range.from > last + 1 || seq > range.to)) continue;
      this.#missing.delete(topic);
      this.#last.set(topic, Math.max(seq, last));
    }
    const held = this.#held.sort((a, b) => a.seq - b.seq);
    this.#held = [];
    for (const message of held) {
      const isNew = message.seq > this.#lastOf(message.topic);
      if (isNew && this.#asked === undefined && this.#follows(message, range))
        this.#deliver(message);
      else this.message(message, nowMs);
    }
  }

  /** True when nothing of its topic can be between what was delivered and `message`. */
  #follows({ topic, prev }: FeedMessage, range: Range): boolean {
    const last = this.#lastOf(topic);
    return prev <= last || (range.from <= last + 1 && prev <= range.to);
  }

  #ask(range: Range & { readonly next?: number }, nowMs: number): void {
    const { from, to, next = from } = range;
    this.#asked = { from, to, next, atMs: nowMs };
    this.#effects.ask(next, to);
  }

  #hold(message: FeedMessage): void {
    // What finds no room here is missed again later, by `prev` or by a beat.
    if (this.#held.length < HELD_MAX) this.#held.push(message);
  }

  #lost(from: number, to: number): void {
    if (from > to || this.#told.some((gap) => gap.from <= from && gap.to >= to)) return;
    this.#told = [...this.#told.slice(1 - TOLD_MAX), { from, to }];
    this.gaps++;
    this.#effects.gap({ from, to });
  }
}
