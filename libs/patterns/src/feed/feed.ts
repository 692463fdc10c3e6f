import { randomInt } from "node:crypto";
import {
  compose,
  type DialKeys,
  encode,
  type Gate,
  type Headers,
  type Interceptor,
  intercept,
  type Listener,
  nodeName,
  parseEndpoint,
  SafeSocket,
  type Session,
} from "@zeroplane/link";
import { type Message, tell } from "../channel.ts";
import { bindLane, type LaneOptions } from "../lane.ts";
import { attach, type NamedHandler, offer } from "../names.ts";
import { VERB_FEED } from "../verbs.ts";
import { Batches, toRecord } from "./batch.ts";
import { toWire } from "./message.ts";
import { BEAT_MS, Kind } from "./protocol.ts";
import { PublisherCore } from "./publisher-core.ts";

/** Options of {@link Feed}s. */
export interface FeedOptions {
  /** Name of this process, which followers see (default host and pid). */
  readonly node?: string;
  /** Bytes of history for those who missed something (default 8 MiB). */
  readonly historyBytes?: number;
  readonly interceptors?: readonly Interceptor[];
}

/** Options of {@link openFeed}. */
export type OpenFeedOptions = FeedOptions & LaneOptions;

/** Options of {@link publishTo}. */
export interface PublishOptions extends FeedOptions {
  readonly keys?: DialKeys | undefined;
}

const HISTORY_BYTES = 8 * 1024 * 1024;
/** Messages libzmq may hold for one slow subscriber; what it then drops is found and filled. */
const LANE_QUEUE_MAX = 10_000;

/**
 * Messages to all of many, numbered: PUB/SUB for the data, a session for what must not be lost.
 * Putting never waits for a follower.
 */
export class Feed<T> implements AsyncDisposable {
  readonly name: string;
  readonly #socket: SafeSocket;
  readonly #origin: { readonly node: string; readonly epoch: number };
  readonly #core: PublisherCore<Session>;
  readonly #interceptor: Interceptor | undefined;
  readonly #batches: Batches;
  readonly #lanes = new Set<string>();
  readonly #ends: (() => void | Promise<void>)[] = [];
  readonly #beat: NodeJS.Timeout;
  #port = 0;

  /** Use {@link openFeed} or {@link publishTo}. */
  constructor(name: string, socket: SafeSocket, options: FeedOptions) {
    this.name = name;
    this.#socket = socket;
    this.#origin = { node: options.node ?? nodeName(), epoch: randomInt(2 ** 31) };
    this.#core = new PublisherCore(options.historyBytes ?? HISTORY_BYTES);
    this.#interceptor = compose(options.interceptors);
    this.#batches = new Batches(
      (_topic, messages) => void socket.send(toRecord(name, this.#origin, messages)),
    );
    this.#beat = setInterval(() => this.#beats(), BEAT_MS).unref();
  }

  /**
   * Publishes `value` to whoever follows `topic` (words joined by dots).
   * @returns its number. @throws LinkError ERR_LINK_ENCODE when it cannot travel
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
    const send = async (headers: Headers): Promise<void> => {
      seq = this.#put(topic, body, headers);
    };
    intercept(this.#interceptor, () => about, send).catch(() => undefined);
    return seq;
  }

  /** Followers, numbers given and bytes kept. */
  stats(): { head: number; followers: number; historyBytes: number; dropped: number } {
    const { head, followers, history } = this.#core;
    return { head, followers, historyBytes: history.bytes, dropped: history.dropped };
  }

  /** Says goodbye to every follower and closes the files of the history. */
  async close(): Promise<void> {
    clearInterval(this.#beat);
    this.#batches.flush();
    for (const end of this.#ends.splice(0)) await end();
    await this.#socket[Symbol.asyncDispose]();
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
      reset: () => this.#core.forget(session),
      state: (state) => {
        if (state === "closed") this.#core.forget(session);
      },
    };
  }

  /** For the openers: tells a collector that this publisher is here. */
  announce(session: Session): void {
    const { node, epoch } = this.#origin;
    tell(session, VERB_FEED, [Kind.offer, this.name, node, epoch, this.#core.head, this.#port]);
  }

  #put(topic: string, body: Uint8Array, headers: Headers): number {
    const message = this.#core.put(topic, body, { headers, atMs: Date.now() });
    this.#batches.add(message);
    return message.seq;
  }

  #receive(session: Session, [kind, , a, b]: Message, dataHost: string | undefined): void {
    if (kind === Kind.follow) {
      const patterns = Array.isArray(a) ? a.map(String) : [">"];
      this.#core.follow(session, patterns);
      const port = Number(b);
      if (dataHost !== undefined && port > 0) this.#dialLane(`tcp://${dataHost}:${port}`);
      else this.announce(session);
    }
    if (kind === Kind.ask) this.#replay(session, Number(a), Number(b));
  }

  #dialLane(endpoint: string): void {
    if (this.#lanes.has(endpoint)) return;
    this.#lanes.add(endpoint);
    this.#socket.connect(endpoint);
  }

  #replay(session: Session, from: number, to: number): void {
    const answer = this.#core.replay(session, from, to);
    if (answer === undefined) return;
    const { messages, about } = answer;
    const facts = [from, to, about.oldest, about.complete];
    const { epoch } = this.#origin;
    tell(session, VERB_FEED, [Kind.replay, this.name, epoch, messages.map(toWire), facts]);
  }

  #beats(): void {
    for (const [session, lasts] of this.#core.beats())
      tell(session, VERB_FEED, [Kind.beat, this.name, this.#origin.epoch, lasts]);
  }
}

/**
 * Opens a feed that followers dial: they ask on `listener`, and get the data from a PUB socket.
 * @throws LinkError when the data lane cannot be bound
 */
export async function openFeed<T>(
  name: string,
  listener: Listener,
  options: OpenFeedOptions = {},
): Promise<Feed<T>> {
  const make = (security: Gate["security"] | undefined): SafeSocket =>
    new SafeSocket("pub", { security, highWaterMark: LANE_QUEUE_MAX });
  const { socket, port, end } = await bindLane(make, options);
  const feed = new Feed<T>(name, socket, options);
  const withdraw = offer(listener, { verb: VERB_FEED, name }, (session) => feed.lane(session));
  feed.bound(port, withdraw, end);
  return feed;
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
  const feed = new Feed<T>(name, socket, options);
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
