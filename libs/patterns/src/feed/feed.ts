import {
  compose,
  encode,
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
import { Batches, toRecord } from "./batch.ts";
import { probeFrame } from "./message.ts";
import { type Opened, openStore, type StoreOptions } from "./open-store.ts";
import { NO_HEADERS } from "./pack.ts";
import { BEAT_MS, Kind, PROBE_MS } from "./protocol.ts";
import { type Answer, PublisherCore, type Start } from "./publisher-core.ts";
import { type ReadyOptions, Waiters } from "./ready.ts";
import type { LogStats } from "./segment-log.ts";

/** Options of {@link Feed}s. */
export interface FeedOptions extends StoreOptions {
  readonly interceptors?: readonly Interceptor[];
}

/** What a feed has done so far. */
export interface FeedStats {
  /** The last number that was given. */
  readonly head: number;
  readonly followers: number;
  /** Followers that have the data lane: what is put reaches them at once. */
  readonly ready: number;
  /** Bytes that are kept for those who missed something. */
  readonly historyBytes: number;
  /** Messages that are not kept any more. */
  readonly dropped: number;
  /** What went wrong with the log, when there is one. */
  readonly log?: LogStats;
}

/**
 * Messages to all of many, numbered: PUB/SUB for the data, a session for what must not be lost.
 * Putting never waits for a follower.
 */
export class Feed<T> implements AsyncDisposable {
  readonly name: string;
  readonly #socket: SafeSocket;
  readonly #kept: Opened;
  readonly #core: PublisherCore<Session>;
  readonly #interceptor: Interceptor | undefined;
  readonly #batches: Batches;
  readonly #waiters: Waiters;
  readonly #lanes = new Set<string>();
  readonly #ends: (() => void | Promise<void>)[] = [];
  readonly #beat: NodeJS.Timeout;
  #probing: NodeJS.Timeout | undefined;
  #port = 0;
  #isClosed = false;

  /** Use {@link openFeed} or {@link publishTo}. */
  constructor(name: string, socket: SafeSocket, options: FeedOptions) {
    this.name = name;
    this.#socket = socket;
    this.#kept = openStore(options);
    const { store, origin, resumed } = this.#kept;
    this.#core = new PublisherCore(store, resumed);
    this.#interceptor = compose(options.interceptors);
    this.#waiters = new Waiters(name);
    this.#batches = new Batches((_topic, messages) => {
      // Whoever sees a message can have it again, even when this process ends now.
      store.flush();
      void socket.send(toRecord(name, origin, messages));
    });
    this.#beat = setInterval(() => this.#beats(), BEAT_MS).unref();
  }

  /**
   * Publishes `value` to whoever follows `topic` (words joined by dots).
   * @returns its number. @throws LinkError ERR_LINK_ENCODE when it cannot travel; PatternError
   *   ERR_STORE_FULL or ERR_STORE when its log takes nothing more, ERR_CLOSED: it was not published
   */
  put(topic: string, value: T): number {
    if (this.#isClosed) throw new PatternError("ERR_CLOSED", `the feed ${this.name} is closed`);
    const body = encode(value);
    if (this.#interceptor === undefined) return this.#put(topic, body, NO_HEADERS);
    let seq = 0;
    let refused: { readonly error: unknown } | undefined;
    const operation = {
      verb: "feed",
      side: "producer",
      name: this.name,
      attributes: { topic },
    } as const;
    const about = { ...operation, headers: {} };
    const send = async (headers: Headers): Promise<void> => {
      try {
        seq = this.#put(topic, body, headers);
      } catch (error) {
        refused = { error };
        throw error;
      }
    };
    intercept(this.#interceptor, () => about, send).catch(() => undefined);
    if (refused !== undefined) throw refused.error;
    return seq;
  }

  /**
   * Waits until `count` followers have the data lane: what is put from then on reaches them at once.
   * @param options `timeoutMs` (default 30 000), `signal`
   * @throws PatternError ERR_TIMEOUT, naming how many are there; ERR_CLOSED; the reason of `signal`
   */
  async ready(count: number, options: ReadyOptions = {}): Promise<void> {
    await this.#waiters.wait(count, options);
  }

  /** Followers, numbers given, bytes kept, and what went wrong with the log. */
  stats(): FeedStats {
    const { head, followers, ready, store } = this.#core;
    const log = this.#kept.logStats();
    const kept = { historyBytes: store.bytes, dropped: store.dropped };
    return { head, followers, ready, ...kept, ...(log !== undefined && { log }) };
  }

  /**
   * Says goodbye to every follower and closes the files of the history.
   * @throws PatternError ERR_STORE or ERR_STORE_FULL when the end of its log cannot be written; it
   *   is closed
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#beat);
    clearTimeout(this.#probing);
    this.#waiters.close();
    this.#batches.flush();
    // Who follows asks until there is one of that name again.
    for (const session of this.#core.sessions())
      if (session.hasRoom) tell(session, VERB_FEED, [UNKNOWN, this.name]);
    try {
      this.#kept.close();
    } finally {
      for (const end of this.#ends.splice(0)) await end();
      await this.#socket[Symbol.asyncDispose]();
    }
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the openers: the data lane is bound at `port`; `end` undoes what was done for it. */
  bound(port: number, ...ends: (() => void | Promise<void>)[]): void {
    this.#port = port;
    this.#ends.push(...ends);
  }

  /** For the openers: the follower's side of one session. */
  lane(session: Session, dataHost?: string): NamedHandler {
    return {
      receive: (message) => this.#receive(session, message, dataHost),
      reset: () => this.#forget(session),
      state: (state) => {
        if (state === "closed") this.#forget(session);
      },
    };
  }

  /** For the openers: tells a collector that this publisher is here. */
  announce(session: Session): void {
    this.#offer(session);
  }

  #offer(session: Session, start?: Start): void {
    const { node, epoch } = this.#kept.origin;
    const { head, base } = this.#core;
    const where = start && [start.head, start.topics];
    const offer = [node, epoch, head, this.#port, base, where];
    tell(session, VERB_FEED, [Kind.offer, this.name, ...offer]);
  }

  #put(topic: string, body: Uint8Array, headers: Headers): number {
    const message = this.#core.put(topic, body, { headers, atMs: Date.now() });
    this.#batches.add(message);
    return message.seq;
  }

  #receive(session: Session, message: Message, dataHost: string | undefined): void {
    if (this.#isClosed) return;
    const [kind, , a, b] = message;
    if (kind === UNKNOWN) this.#forget(session);
    if (kind === Kind.follow) this.#follow(session, message, dataHost);
    if (kind === Kind.ask) this.#replay(session, Number(a), Number(b));
    if (kind !== Kind.here) return;
    this.#core.here(session);
    this.#waiters.changed(this.#core.ready);
  }

  #follow(session: Session, message: Message, dataHost: string | undefined): void {
    const [, , topics, dataPort, since, probed] = message;
    const patterns = Array.isArray(topics) ? topics.map(String) : [">"];
    const from = since === "last" || typeof since === "number" ? since : "now";
    const probe = typeof probed === "string" ? probed : undefined;
    const start = this.#core.follow(session, { patterns, from, probe });
    const port = Number(dataPort);
    if (dataHost !== undefined && port > 0) this.#dialLane(`tcp://${dataHost}:${port}`);
    this.#offer(session, start);
    this.#waiters.changed(this.#core.ready);
    clearTimeout(this.#probing);
    this.#probe(PROBE_MS);
  }

  /** Tries the data lane until all that follow have it. */
  #probe(waitMs: number): void {
    const probes = this.#core.probes();
    if (probes.length === 0) return;
    const { node, epoch } = this.#kept.origin;
    const about = encode([node, epoch]);
    for (const each of probes)
      void this.#socket.send([Buffer.from(probeFrame(this.name, each)), about]);
    const again = (): void => this.#probe(Math.min(waitMs * 2, BEAT_MS));
    this.#probing = setTimeout(again, waitMs).unref();
  }

  #forget(session: Session): void {
    this.#core.forget(session);
    this.#waiters.changed(this.#core.ready);
  }

  #dialLane(endpoint: string): void {
    if (this.#lanes.has(endpoint)) return;
    this.#lanes.add(endpoint);
    this.#socket.connect(endpoint);
  }

  #replay(session: Session, from: number, to: number): void {
    const answer = this.#answer(session, from, to);
    if (answer === undefined) return;
    const { oldest, next, holes } = answer.about;
    const about = [from, to, oldest, next, holes.map((hole) => [hole.from, hole.to])];
    const { epoch } = this.#kept.origin;
    tell(session, VERB_FEED, [Kind.replay, this.name, epoch, answer.records, about]);
  }

  /** What cannot be read now is asked for again in a second; `stats().log.fault` says why. */
  #answer(session: Session, from: number, to: number): Answer | undefined {
    try {
      return this.#core.replay(session, from, to);
    } catch {
      return undefined;
    }
  }

  #beats(): void {
    // What found no room on the disk is tried again, and what is too old is let go of.
    this.#core.store.flush();
    const { epoch } = this.#kept.origin;
    for (const [session, { lasts, head }] of this.#core.beats())
      tell(session, VERB_FEED, [Kind.beat, this.name, epoch, lasts, head]);
  }
}
