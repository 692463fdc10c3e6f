import { randomUUID } from "node:crypto";
import {
  compose,
  decode,
  type Headers,
  type Interceptor,
  intercept,
  type SafeSocket,
  type Session,
} from "@zeroplane/link";
import { type Message, tell } from "../channel.ts";
import { PatternError } from "../errors.ts";
import { type NamedHandler, UNKNOWN } from "../names.ts";
import { VERB_FEED } from "../verbs.ts";
import { fromRecord } from "./batch.ts";
import {
  type FeedEvent,
  type FeedItem,
  type FollowOptions,
  requireOptions,
} from "./follow-options.ts";
import type { Gap } from "./follower-core.ts";
import { type Entry, Inbox } from "./inbox.ts";
import { messagesIn } from "./log-record.ts";
import { type FeedMessage, fromProbe, type Origin, probeFrame, topicFrame } from "./message.ts";
import { Kind, offerOf, replayOf } from "./protocol.ts";
import { Publishers, type Reset } from "./publishers.ts";
import { prefixOf } from "./topics.ts";

/** What a follower knows of one publisher. */
export interface FollowedStats {
  readonly node: string;
  /** Highest number seen. */
  readonly seen: number;
  /** Messages that came from the history. */
  readonly filled: number;
  readonly gaps: number;
  readonly duplicates: number;
  /** Messages that were left to the history, because an iteration was slow. */
  readonly left: number;
}

/**
 * Follows every publisher of one feed that it meets: hands each message to `onItem`, or is iterated
 * once, which ends when it is closed; leaving the loop closes it.
 */
export class Follower<T> implements AsyncDisposable, AsyncIterable<FeedEvent<T>> {
  readonly name: string;
  readonly #options: FollowOptions<T>;
  readonly #topics: readonly string[];
  readonly #interceptor: Interceptor | undefined;
  readonly #publishers: Publishers<Session>;
  /** What waits to be iterated. */
  readonly #inbox: Inbox | undefined;
  readonly #ends: (() => void | Promise<void>)[] = [];
  readonly #probe = randomUUID();
  /** Numbers that are missing before the next message of each life of a publisher. */
  readonly #missing = new Map<string, number>();
  #isIterated = false;
  #isClosed = false;
  /** Something was left out for want of room. */
  #lacksRoom = false;
  #wake: (() => void) | undefined;
  /** Records that were none of this feed, or were broken. */
  refused = 0;
  /** Messages that could not be decoded, or that `onItem` threw on. */
  failed = 0;

  /** Use {@link follow} or {@link collectFeed}. @throws PatternError ERR_BAD_OPTION */
  constructor(name: string, options: FollowOptions<T>, single: boolean) {
    requireOptions(name, options);
    this.name = name;
    this.#options = options;
    this.#topics = options.topics ?? [">"];
    this.#interceptor = compose(options.interceptors);
    const { from = "now", gap = "fill", slow = "replay", maxLag } = options;
    if (options.onItem === undefined) this.#inbox = new Inbox(name, slow, maxLag);
    const hasRoom = (): boolean => this.#hasRoom();
    const leaves = slow === "replay" && gap === "fill";
    this.#publishers = new Publishers(
      { topics: this.#topics, from, single, fill: gap === "fill", hasRoom, leaves },
      {
        deliver: (origin, message, isLive) => this.#deliver(origin, message, isLive),
        gap: (origin, bounds) => this.#gap({ ...bounds, ...origin }),
        ask: (session, first, last) => {
          tell(session, VERB_FEED, [Kind.ask, this.name, first, last]);
          // The publisher reads while this side takes what came before.
          session.flush();
        },
        reset: (reset) => this.#reset(reset),
      },
    );
  }

  /** Prefixes for a SUB socket. */
  get prefixes(): string[] {
    const topics = this.#topics.map((pattern) => topicFrame(this.name, prefixOf(pattern)));
    return [...topics, probeFrame(this.name, this.#probe)];
  }

  /** What is known of each publisher. */
  stats(): FollowedStats[] {
    return this.#publishers.entries().map(({ origin, core }) => {
      const { seen, filled, gaps, duplicates, left } = core;
      return { node: origin.node, seen, filled, gaps, duplicates, left };
    });
  }

  /** What waits to be iterated, how long its oldest has waited, and what was skipped. */
  get lag(): { readonly waiting: number; readonly ms: number; readonly dropped: number } {
    const inbox = this.#inbox;
    if (inbox === undefined) return { waiting: 0, ms: 0, dropped: 0 };
    return { waiting: inbox.waiting, ms: inbox.lagMs(performance.now()), dropped: inbox.dropped };
  }

  /**
   * Each message, gap and reset. @throws PatternError ERR_LAGGED when it is too slow and
   *   `slow` is `"die"`; ERR_BAD_OPTION when there is an `onItem`, or the second time
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<FeedEvent<T>, void, void> {
    const inbox = this.#inbox;
    const bad = (text: string): PatternError =>
      new PatternError("ERR_BAD_OPTION", `the follower of ${this.name} ${text}`);
    if (inbox === undefined) throw bad("has an onItem: it is called, not iterated");
    if (this.#isIterated) throw bad("is iterated already: follow once for each loop");
    this.#isIterated = true;
    try {
      for (;;) {
        inbox.check(performance.now());
        if (inbox.fault !== undefined) throw inbox.fault;
        const entry = inbox.take();
        if (entry === undefined && this.#isClosed) return;
        // What was left out for want of room is asked for as soon as there is some.
        if (this.#lacksRoom && inbox.hasRoom(performance.now())) {
          this.#lacksRoom = false;
          this.#publishers.goOn(performance.now());
        }
        if (entry === undefined) await new Promise<void>((wake) => (this.#wake = wake));
        else yield* this.#events(entry);
      }
    } finally {
      await this.close();
    }
  }

  /** Stops following. */
  async close(): Promise<void> {
    if (!this.#isClosed) this.#leave();
    this.#isClosed = true;
    this.#wake?.();
    for (const end of this.#ends.splice(0)) await end();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the openers: what undoes them. */
  endWith(...ends: (() => void | Promise<void>)[]): void {
    this.#ends.push(...ends);
  }

  /** For the openers: reads the data lane until it is closed. */
  async read(socket: SafeSocket): Promise<void> {
    for await (const frames of socket) {
      const found = fromRecord(this.name, frames);
      if (found === undefined) this.#probed(frames);
      else {
        this.#publishers.data(found.origin, found.messages, performance.now());
        this.#wakeUp();
      }
    }
  }

  /** For the openers: one session with a publisher. `onPort` hears where its data lane is. */
  lane(session: Session, onOffer: (port: number) => void): NamedHandler {
    return { receive: (message) => this.#receive(session, message, onOffer) };
  }

  /** For the openers: asks to follow; `port` is where this side has bound the data lane. */
  ask(session: Session, port: number): void {
    const { wireFrom } = this.#publishers;
    tell(session, VERB_FEED, [Kind.follow, this.name, this.#topics, port, wireFrom, this.#probe]);
  }

  /** Publishers need not tell this follower anything more, and look for another collector. */
  #leave(): void {
    for (const { session } of this.#publishers.entries())
      if (session.hasRoom) tell(session, VERB_FEED, [UNKNOWN, this.name]);
  }

  /** Says that the data lane is there, when that is what has come. */
  #probed(frames: readonly Buffer[]): void {
    const origin = fromProbe(probeFrame(this.name, this.#probe), frames);
    if (origin === undefined) this.refused++;
    else
      for (const session of this.#publishers.sessionsOf(origin))
        tell(session, VERB_FEED, [Kind.here, this.name]);
  }

  #receive(session: Session, message: Message, onOffer: (port: number) => void): void {
    const [kind, , a, b, c] = message;
    const epoch = Number(a);
    const nowMs = performance.now();
    if (kind === Kind.offer) this.#offered(session, message, onOffer);
    if (kind === Kind.beat && Array.isArray(b)) {
      this.#publishers.beat(
        session,
        epoch,
        { lasts: b as [string, number][], head: Number(c) },
        nowMs,
      );
      this.#inbox?.check(nowMs);
    }
    if (kind === Kind.replay && b instanceof Uint8Array && Array.isArray(c)) {
      const messages = messagesIn(Buffer.from(b.buffer, b.byteOffset, b.length));
      const about = replayOf(c);
      if (messages === undefined) this.refused++;
      else this.#publishers.replayed(session, epoch, { messages, about }, nowMs);
    }
    this.#wakeUp();
  }

  #offered(session: Session, message: Message, onOffer: (port: number) => void): void {
    const { port, ...offer } = offerOf(message);
    this.#publishers.offer(session, offer, performance.now());
    // A collector is offered twice: it asks to follow after the first.
    if (offer.start === undefined || port > 0) onOffer(port);
  }

  #hasRoom(): boolean {
    const hasRoom = this.#inbox?.hasRoom(performance.now()) ?? true;
    if (!hasRoom) this.#lacksRoom = true;
    return hasRoom;
  }

  #gap(gap: Gap & Origin): void {
    this.#options.onGap?.(gap);
    if (this.#inbox === undefined) this.#miss(gap);
    else this.#inbox.gap(gap);
  }

  #miss({ from, to, ...origin }: Gap & Origin): void {
    if (this.#interceptor === undefined) return;
    const key = keyOf(origin);
    this.#missing.set(key, (this.#missing.get(key) ?? 0) + to - from + 1);
  }

  #reset(reset: Reset): void {
    this.#options.onReset?.(reset);
    this.#inbox?.reset(reset);
  }

  #deliver(origin: Origin, message: FeedMessage, isLive: boolean): void {
    const { onItem } = this.#options;
    if (this.#inbox !== undefined) this.#inbox.push(origin, message, isLive, performance.now());
    else if (onItem !== undefined) this.#hand(origin, message, onItem);
  }

  #wakeUp(): void {
    const inbox = this.#inbox;
    if (inbox === undefined || (inbox.waiting === 0 && inbox.fault === undefined)) return;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** What an entry is to who iterates: nothing when its value cannot be decoded. */
  #events(entry: Entry): FeedEvent<T>[] {
    if ("gap" in entry) this.#miss(entry.gap);
    if (!("message" in entry)) return [entry];
    const events: FeedItem<T>[] = [];
    this.#hand(entry.origin, entry.message, (item) => events.push(item));
    return events;
  }

  #hand({ node, epoch }: Origin, message: FeedMessage, to: (item: FeedItem<T>) => void): void {
    const { topic, seq, atMs, headers, body } = message;
    try {
      const value = decode(body) as T;
      const item: FeedItem<T> = { topic, seq, atMs, headers, value, node, epoch };
      if (this.#interceptor === undefined) to(item);
      else this.#intercepted(this.#interceptor, item, to);
    } catch (error) {
      this.#fail(error);
    }
  }

  #intercepted(interceptor: Interceptor, item: FeedItem<T>, to: (item: FeedItem<T>) => void): void {
    const { name } = this;
    const { node: peer, topic, headers } = item;
    const key = keyOf(item);
    const missing = this.#missing.get(key);
    this.#missing.delete(key);
    const attributes = { topic, ...(missing !== undefined && { "zp.missed": missing }) };
    const about = { verb: "feed", side: "consumer", name, peer, attributes } as const;
    const next = async (_headers: Headers): Promise<void> => to(item);
    intercept(interceptor, () => ({ ...about, headers }), next).catch((error: unknown) =>
      this.#fail(error),
    );
  }

  /** The follower goes on: the message was delivered, whatever was made of it. */
  #fail(error: unknown): void {
    this.failed++;
    this.#options.onError?.(error);
  }
}

const keyOf = ({ node, epoch }: Origin): string => `${node}/${epoch}`;
