import {
  compose,
  type DialKeys,
  encode,
  type Gate,
  type Headers,
  type Interceptor,
  intercept,
  type Listener,
  parseEndpoint,
  SafeSocket,
  type Session,
} from "@zeroplane/link";
import { type Message, tell } from "../channel.ts";
import { bindLane, type LaneOptions } from "../lane.ts";
import { attach, type NamedHandler, offer } from "../names.ts";
import { VERB_FEED } from "../verbs.ts";
import { toFrames, toWire } from "./message.ts";
import { type Opened, openStore, type StoreOptions } from "./open-store.ts";
import { BEAT_MS, Kind } from "./protocol.ts";
import type { Beat, Start } from "./publisher-core.ts";
import type { LogStats } from "./segment-log.ts";
import { matchesAny } from "./topics.ts";

/** Options of {@link Feed}s. */
export interface FeedOptions extends StoreOptions {
  readonly interceptors?: readonly Interceptor[];
}

/** Options of {@link openFeed}. */
export type OpenFeedOptions = FeedOptions & LaneOptions;

/** Options of {@link publishTo}. */
export interface PublishOptions extends FeedOptions {
  readonly keys?: DialKeys | undefined;
}

interface Following {
  readonly patterns: readonly string[];
  /** Has not had a beat yet: the first one names every topic. */
  isNew: boolean;
}

/** What a feed has done so far. */
export interface FeedStats {
  /** The last number that was given. */
  readonly head: number;
  readonly followers: number;
  /** Bytes that are kept for those who missed something. */
  readonly historyBytes: number;
  /** Messages that are not kept any more. */
  readonly dropped: number;
  /** What went wrong with the log, when there is one. */
  readonly log?: LogStats;
}

/** Messages libzmq may hold for one slow subscriber; what it then drops is found and filled. */
const LANE_QUEUE_MAX = 10_000;

/**
 * Messages to all of many, numbered: PUB/SUB for the data, a session for what must not be lost.
 * Putting never waits for a follower.
 */
export class Feed<T> implements AsyncDisposable {
  readonly name: string;
  readonly #socket: SafeSocket;
  readonly #kept: Opened;
  readonly #interceptor: Interceptor | undefined;
  readonly #followers = new Map<Session, Following>();
  readonly #lanes = new Set<string>();
  readonly #ends: (() => void | Promise<void>)[] = [];
  readonly #beat: NodeJS.Timeout;
  #port = 0;

  /** Use {@link openFeed} or {@link publishTo}. */
  constructor(name: string, socket: SafeSocket, options: FeedOptions) {
    this.name = name;
    this.#socket = socket;
    this.#kept = openStore(options);
    this.#interceptor = compose(options.interceptors);
    this.#beat = setInterval(() => this.#beats(), BEAT_MS).unref();
  }

  /**
   * Publishes `value` to whoever follows `topic` (words joined by dots).
   * @returns its number. @throws LinkError ERR_LINK_ENCODE when it cannot travel
   * @throws PatternError ERR_DISK_FULL when its log takes nothing more: it was not published
   */
  put(topic: string, value: T): number {
    const body = encode(value);
    if (this.#interceptor === undefined) return this.#put(topic, body, {});
    let seq = 0;
    const operation = {
      verb: "feed",
      side: "producer",
      name: this.name,
      attributes: { topic },
    } as const;
    const about = { ...operation, headers: {} };
    let refused: unknown;
    const send = async (headers: Headers): Promise<void> => {
      try {
        seq = this.#put(topic, body, headers);
      } catch (error) {
        refused = error;
        throw error;
      }
    };
    intercept(this.#interceptor, () => about, send).catch(() => undefined);
    if (refused !== undefined) throw refused;
    return seq;
  }

  /** Followers, numbers given and bytes kept. */
  stats(): FeedStats {
    const { core, store, logStats } = this.#kept;
    const log = logStats();
    const stats = { head: core.head, followers: this.#followers.size, historyBytes: store.bytes };
    return { ...stats, dropped: store.dropped, ...(log !== undefined && { log }) };
  }

  /**
   * Says goodbye to every follower and closes the files of the history.
   * @throws what the file system throws when the end of its log cannot be written; it is closed
   */
  async close(): Promise<void> {
    clearInterval(this.#beat);
    try {
      this.#kept.store.close();
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
      reset: () => void this.#followers.delete(session),
      state: (state) => {
        if (state === "closed") this.#followers.delete(session);
      },
    };
  }

  /** For the openers: tells a collector that this publisher is here. */
  announce(session: Session): void {
    this.#offer(session);
  }

  #offer(session: Session, start?: Start): void {
    const { origin, core } = this.#kept;
    const { node, epoch } = origin;
    const where = start && [start.head, start.topics];
    const offered = [node, epoch, core.head, this.#port, core.base, where];
    tell(session, VERB_FEED, [Kind.offer, this.name, ...offered]);
  }

  #put(topic: string, body: Uint8Array, headers: Headers): number {
    const { core, origin } = this.#kept;
    const message = core.put({ topic, atMs: Date.now(), headers, body });
    this.#socket.send(toFrames(this.name, origin, message));
    return message.seq;
  }

  #receive(session: Session, [kind, , a, b, c]: Message, dataHost: string | undefined): void {
    if (kind === Kind.follow) {
      const patterns = Array.isArray(a) ? a.map(String) : [">"];
      this.#followers.set(session, { patterns, isNew: true });
      const port = Number(b);
      if (dataHost !== undefined && port > 0) this.#dialLane(`tcp://${dataHost}:${port}`);
      const from = c === "last" || typeof c === "number" ? c : "now";
      this.#offer(session, this.#kept.core.start(patterns, from));
    }
    if (kind === Kind.ask) this.#replay(session, Number(a), Number(b));
  }

  #dialLane(endpoint: string): void {
    if (this.#lanes.has(endpoint)) return;
    this.#lanes.add(endpoint);
    this.#socket.connect(endpoint);
  }

  #replay(session: Session, from: number, to: number): void {
    const patterns = this.#followers.get(session)?.patterns ?? [">"];
    const { core, origin } = this.#kept;
    const { messages, oldest, next, holes } = core.replay(patterns, from, to);
    const about = [from, to, oldest, next, holes];
    tell(session, VERB_FEED, [Kind.replay, this.name, origin.epoch, messages.map(toWire), about]);
  }

  #beats(): void {
    const { core } = this.#kept;
    const changed = core.beat();
    for (const [session, following] of this.#followers) {
      this.#tellBeat(session, following, following.isNew ? core.fullBeat() : changed);
      following.isNew = false;
    }
  }

  #tellBeat(session: Session, { patterns }: Following, { lasts, head }: Beat): void {
    const theirs = lasts.filter(([topic]) => matchesAny(patterns, topic));
    const { epoch } = this.#kept.origin;
    tell(session, VERB_FEED, [Kind.beat, this.name, epoch, theirs, head]);
  }
}

/**
 * Opens a feed that followers dial: they ask on `listener`, and get the data from a PUB socket.
 * @throws LinkError when the data lane cannot be bound; what the file system throws when the log
 *   in `folder` cannot be opened
 */
export async function openFeed<T>(
  name: string,
  listener: Listener,
  options: OpenFeedOptions = {},
): Promise<Feed<T>> {
  const make = (security: Gate["security"] | undefined): SafeSocket =>
    new SafeSocket("pub", { security, highWaterMark: LANE_QUEUE_MAX });
  const { socket, port, end } = await bindLane(make, options);
  const feed = made(() => new Feed<T>(name, socket, options), socket, end);
  const withdraw = offer(listener, { verb: VERB_FEED, name }, (session) => feed.lane(session));
  feed.bound(port, withdraw, end);
  return feed;
}

/** What `make` makes; when it cannot, nothing is left open. */
function made<R>(make: () => R, socket: SafeSocket, end: () => void): R {
  try {
    return make();
  } catch (error) {
    socket.close();
    end();
    throw error;
  }
}

/**
 * Publishes to a collector (`collectFeed`) that many publishers dial: fan-in. What is put before
 * the collector is there reaches it later, as far as the history goes.
 * @param session a session to the collector's listener
 */
export function publishTo<T>(
  session: Session,
  name: string,
  options: PublishOptions = {},
): Feed<T> {
  const security = options.keys;
  const socket = new SafeSocket("pub", { security, highWaterMark: LANE_QUEUE_MAX });
  const feed = made(
    () => new Feed<T>(name, socket, options),
    socket,
    () => undefined,
  );
  const host = parseEndpoint(session.endpoint)?.host ?? "127.0.0.1";
  const about = { verb: VERB_FEED, name };
  const detach = attach(session, about, feed.lane(session, host));
  const stop = session.watch((state) => {
    if (state === "up") feed.announce(session);
  });
  if (session.state === "up") feed.announce(session);
  feed.bound(0, detach, stop);
  return feed;
}
