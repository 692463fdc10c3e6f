import type { FeedMessage } from "./message.ts";
import type { Beat, Lasts, Start } from "./publisher-core.ts";

/** Numbers of a feed that were published and cannot be had any more. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** What a follower asks of the world. */
export interface FollowerEffects {
  /** False when holes are reported at once, and nothing is asked for (default true). */
  readonly fill?: boolean;
  /** False while nothing more should be asked for: whoever takes the messages has enough. */
  readonly hasRoom?: () => boolean;
  /** True when, without room, new messages are left to the history as well (default false). */
  readonly leaves?: boolean;
  /** `isLive` when it came by itself, not as an answer. */
  deliver(message: FeedMessage, isLive: boolean): void;
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

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Asked extends Range {
  /** The lowest number that was not answered. */
  readonly next: number;
  readonly atMs: number;
  /** It was not sent yet: there is no room for the answer. */
  readonly waits: boolean;
}

const HELD_MAX = 10_000;
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
  readonly #last: Map<string, number>;
  /** Lasts that a beat named, or that found no room, and that had not come by then. */
  #missing = new Map<string, number>();
  #held: FeedMessage[] = [];
  #asked: Asked | undefined;
  #seen: number;
  /** Up to here everything was delivered or told as a gap. */
  #complete: number;
  /** The head that the last beat named: complete when nothing of it is missing at the next. */
  #claimed: number;
  filled = 0;
  gaps = 0;
  duplicates = 0;
  /** Messages that were left to the history, for want of room. */
  left = 0;

  constructor({ head, topics }: Start, effects: FollowerEffects) {
    this.#start = head;
    this.#seen = head;
    this.#last = new Map(topics);
    this.#complete = topics.reduce((low, [, last]) => Math.min(low, last), head);
    this.#claimed = this.#complete;
    this.#effects = effects;
  }

  /** Highest number seen. */
  get seen(): number {
    return this.#seen;
  }

  /** The highest number that the publisher is known to have given. */
  get claimed(): number {
    return Math.max(this.#claimed, this.#seen);
  }

  /** A message came on the data lane. */
  message(message: FeedMessage, nowMs: number): void {
    const { topic, seq, prev } = message;
    const last = this.#lastOf(topic);
    const sure = Math.max(last, this.#complete);
    if (seq <= last) this.duplicates++;
    else if (this.#asked !== undefined) this.#hold(message);
    else if (prev > sure && this.#effects.fill === false) {
      this.#lost(sure + 1, prev);
      this.#deliver(message, true);
    } else if (this.#effects.leaves === true && !this.#hasRoom()) this.#leave(message);
    else if (prev > sure) {
      this.#hold(message);
      this.#ask({ from: sure + 1, to: seq - 1 }, nowMs);
    } else this.#deliver(message, true);
  }

  /**
   * The publisher's answer to `ask`: what it still has of the wanted topics.
   * An answer to an earlier question, asked twice because the first answer was slow, is ignored.
   */
  replayed(messages: readonly FeedMessage[], about: Replay, nowMs: number): void {
    const asked = this.#asked;
    if (asked === undefined || asked.waits) return;
    if (about.from !== asked.next || about.to !== asked.to || about.next <= asked.next) return;
    const next = Math.min(about.next, asked.to + 1);
    const isAll = next > asked.to;
    // The next question is on its way while this answer is taken.
    if (!isAll) this.#ask({ ...asked, next }, nowMs);
    this.#lost(asked.next, Math.min(about.oldest - 1, asked.to));
    for (const { from, to } of about.holes)
      this.#lost(Math.max(from, asked.next), Math.min(to, next - 1));
    for (const message of messages) this.#take(message, asked, next);
    if (asked.from <= this.#complete + 1) this.#complete = Math.max(this.#complete, next - 1);
    if (isAll) this.#settled(asked, nowMs);
  }

  /**
   * The publisher says where it is: the last message of each topic that changed. What is not here
   * may still be on its way, so it is asked for when the next beat finds it missing.
   */
  beat({ head, lasts }: Beat, nowMs: number): void {
    this.goOn(nowMs);
    this.#named(lasts);
    this.#claimed = Math.max(this.#claimed, head);
  }

  /** There may be room again: asks for what is missing. */
  goOn(nowMs: number): void {
    if (!this.#hasRoom()) return;
    const asked = this.#asked;
    if (asked === undefined) this.#askForMissing(nowMs);
    else if (asked.waits || nowMs - asked.atMs >= ASK_MS) this.#ask(asked, nowMs);
  }

  /**
   * The publisher has heard that it is followed, perhaps again: all since the last sure number is
   * asked for at once.
   * @param base up to here the publisher does not know every message of every topic: neither
   *   `prev` nor a beat tells that one is missing
   */
  offered({ head, base }: { readonly head: number; readonly base: number }, nowMs: number): void {
    if (this.#effects.fill !== false) {
      const to = Math.max(head, this.#asked?.to ?? 0);
      if (to > this.#complete) this.#ask({ from: this.#complete + 1, to }, nowMs);
      return;
    }
    this.#lost(this.#complete + 1, base);
    this.#complete = Math.max(this.#complete, base);
  }

  /** The publisher is gone with its history: what is known to be missing of it is lost. */
  end(): void {
    const held = this.#held.sort((a, b) => a.seq - b.seq);
    this.#held = [];
    let to = this.#asked?.to ?? 0;
    for (const [topic, seq] of this.#missing) if (seq > this.#sureOf(topic)) to = Math.max(to, seq);
    for (const { topic, prev } of held) if (prev > this.#sureOf(topic)) to = Math.max(to, prev);
    this.#lost(this.#complete + 1, to);
    for (const message of held)
      if (message.seq > this.#lastOf(message.topic)) this.#deliver(message);
  }

  #lastOf(topic: string): number {
    return this.#last.get(topic) ?? this.#start;
  }

  /** Up to here nothing of the topic is missing. */
  #sureOf(topic: string): number {
    return Math.max(this.#lastOf(topic), this.#complete);
  }

  #hasRoom(): boolean {
    return this.#effects.hasRoom?.() ?? true;
  }

  #deliver(message: FeedMessage, isLive = false): void {
    this.#last.set(message.topic, message.seq);
    this.#seen = Math.max(this.#seen, message.seq);
    this.#effects.deliver(message, isLive);
  }

  /** A message of an answer to `asked`, below `next`. */
  #take(message: FeedMessage, asked: Asked, next: number): void {
    const { topic, seq } = message;
    if (seq < asked.next || seq >= next || seq <= this.#lastOf(topic)) return;
    this.filled++;
    // Another topic may have a hole of its own before the range: then it waits for that.
    if (this.#follows(message, asked)) this.#deliver(message);
    else this.#hold(message);
  }

  #named(lasts: Lasts): void {
    for (const [topic, seq] of lasts) if (seq > this.#lastOf(topic)) this.#misses(topic, seq);
  }

  #misses(topic: string, seq: number): void {
    this.#missing.set(topic, Math.max(seq, this.#missing.get(topic) ?? 0));
  }

  #askForMissing(nowMs: number): void {
    let from = Number.POSITIVE_INFINITY;
    let to = 0;
    for (const [topic, seq] of this.#missing) {
      if (this.#lastOf(topic) >= seq || this.#complete >= seq) {
        this.#missing.delete(topic);
        continue;
      }
      from = Math.min(from, this.#sureOf(topic) + 1);
      to = Math.max(to, seq);
    }
    if (to === 0) this.#complete = Math.max(this.#complete, this.#claimed);
    else if (this.#effects.fill !== false) this.#ask({ from, to }, nowMs);
    else {
      this.#lost(from, to);
      this.#settled({ from, to }, nowMs);
    }
  }

  /** All of the range was sent: what is still not here is gone for good. */
  #settled(range: Range, nowMs: number): void {
    this.#asked = undefined;
    for (const [topic, seq] of this.#missing) {
      const last = this.#lastOf(topic);
      const sure = this.#sureOf(topic);
      if (seq > sure && (range.from > sure + 1 || seq > range.to)) continue;
      this.#missing.delete(topic);
      this.#last.set(topic, Math.max(seq, last));
    }
    const held = this.#held.sort((a, b) => a.seq - b.seq);
    this.#held = [];
    for (const message of held) this.#release(message, range, nowMs);
  }

  #release(message: FeedMessage, range: Range, nowMs: number): void {
    const isNew = message.seq > this.#lastOf(message.topic);
    if (isNew && !this.#hasRoom()) this.#leave(message);
    else if (isNew && this.#asked === undefined && this.#follows(message, range))
      this.#deliver(message);
    else this.message(message, nowMs);
  }

  /** True when nothing of its topic can be between what was delivered and `message`. */
  #follows({ topic, prev }: FeedMessage, range: Range): boolean {
    const sure = this.#sureOf(topic);
    return prev <= sure || (range.from <= sure + 1 && prev <= range.to);
  }

  #ask(range: Range & { readonly next?: number }, nowMs: number): void {
    const { from, to, next = from } = range;
    const waits = !this.#hasRoom();
    this.#asked = { from, to, next, atMs: nowMs, waits };
    if (!waits) this.#effects.ask(next, to);
  }

  #hold(message: FeedMessage): void {
    // What finds no room here is missed again later, by `prev` or by a beat.
    if (this.#held.length < HELD_MAX) this.#held.push(message);
  }

  /** The history has it, for when there is room. */
  #leave({ topic, seq }: FeedMessage): void {
    this.left++;
    this.#misses(topic, seq);
  }

  #lost(from: number, to: number): void {
    if (from > to) return;
    this.gaps++;
    this.#effects.gap({ from, to });
  }
}
