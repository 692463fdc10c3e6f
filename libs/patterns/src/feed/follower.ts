import {
  compose,
  type DialKeys,
  type DialOptions,
  decode,
  type Gate,
  type Headers,
  type Interceptor,
  intercept,
  type Listener,
  parseEndpoint,
  SafeSocket,
  type Session,
} from "@zeroplane/link";
import { type Message, sessionTo, type To, tell } from "../channel.ts";
import { bindLane, type LaneOptions } from "../lane.ts";
import { attach, type NamedHandler, offer } from "../names.ts";
import { VERB_FEED } from "../verbs.ts";
import { fromRecord } from "./batch.ts";
import type { Gap } from "./follower-core.ts";
import { type FeedMessage, fromWire, type Origin, topicFrame } from "./message.ts";
import { Kind } from "./protocol.ts";
import { type From, Publishers, type Reset } from "./publishers.ts";
import { prefixOf } from "./topics.ts";

/** One message as a follower gets it. */
export interface FeedItem<T> extends Omit<FeedMessage, "body" | "prev"> {
  readonly value: T;
  /** Name of the process that put it. */
  readonly node: string;
  /** Which life of that process. */
  readonly epoch: number;
}

/** Options of followers. */
export interface FollowOptions<T> {
  /** Called with each message, in order per topic and once. */
  readonly onItem: (item: FeedItem<T>) => void;
  /** Called when messages may be lost for good. */
  readonly onGap?: (gap: Gap & Origin) => void;
  /** Patterns of topics: `*` is one word, a last `>` is any rest (default everything). */
  readonly topics?: readonly string[];
  /**
   * The number after which to begin, for a publisher's life that is met for the first time:
   * `"now"` (default) leaves out what was put before, `"start"` takes all that its history has.
   * A later life of a known publisher is always followed from its first message.
   */
  readonly from?: From;
  /** Called with what `onItem` has thrown, or why a value could not be decoded. */
  readonly onError?: (error: unknown) => void;
  /** A hole is asked for (`"fill"`, default), or told to `onGap` at once (`"report"`). */
  readonly gap?: "fill" | "report";
  /** Called once for each publisher that came back without its history. */
  readonly onReset?: (reset: Reset) => void;
  readonly interceptors?: readonly Interceptor[];
}

/** Follows every publisher of one feed that it meets. */
export class Follower<T> implements AsyncDisposable {
  readonly name: string;
  readonly #options: FollowOptions<T>;
  readonly #topics: readonly string[];
  readonly #interceptor: Interceptor | undefined;
  readonly #publishers: Publishers<Session>;
  readonly #ends: (() => void | Promise<void>)[] = [];
  /** Records that were none of this feed, or were broken. */
  refused = 0;
  /** Messages that could not be decoded, or that `onItem` threw on. */
  failed = 0;

  /** Use {@link follow} or {@link collectFeed}. */
  constructor(name: string, options: FollowOptions<T>, single: boolean) {
    this.name = name;
    this.#options = options;
    this.#topics = options.topics ?? [">"];
    this.#interceptor = compose(options.interceptors);
    const { from = "now", gap = "fill" } = options;
    this.#publishers = new Publishers(
      { topics: this.#topics, from, single, fill: gap === "fill" },
      {
        deliver: (origin, message) => this.#deliver(origin, message),
        gap: (origin, bounds) => options.onGap?.({ ...bounds, ...origin }),
        ask: (session, first, last) => tell(session, VERB_FEED, [Kind.ask, this.name, first, last]),
        reset: (reset) => options.onReset?.(reset),
      },
    );
  }

  /** Prefixes for a SUB socket. */
  get prefixes(): string[] {
    return this.#topics.map((pattern) => topicFrame(this.name, prefixOf(pattern)));
  }

  /** What is known of each publisher. */
  stats(): { node: string; seen: number; filled: number; gaps: number; duplicates: number }[] {
    return this.#publishers.entries().map(({ origin, core }) => {
      const { seen, filled, gaps, duplicates } = core;
      return { node: origin.node, seen, filled, gaps, duplicates };
    });
  }

  /** Stops following. */
  async close(): Promise<void> {
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
      if (found === undefined) this.refused++;
      else this.#publishers.data(found.origin, found.messages, performance.now());
    }
  }

  /** For the openers: one session with a publisher. `onPort` hears where its data lane is. */
  lane(session: Session, onOffer: (port: number) => void): NamedHandler {
    return { receive: (message) => this.#receive(session, message, onOffer) };
  }

  /** For the openers: asks to follow; `port` is where this side has bound the data lane. */
  ask(session: Session, port: number): void {
    tell(session, VERB_FEED, [Kind.follow, this.name, this.#topics, port]);
  }

  #receive(session: Session, [kind, , a, b, c, d]: Message, onOffer: (port: number) => void): void {
    if (kind === Kind.offer) {
      this.#publishers.offer(session, { node: String(a), epoch: Number(b) }, Number(c));
      onOffer(Number(d));
      return;
    }
    const epoch = Number(a);
    const nowMs = performance.now();
    if (kind === Kind.beat && Array.isArray(b))
      this.#publishers.beat(session, epoch, b as [string, number][], nowMs);
    if (kind === Kind.replay && Array.isArray(b) && Array.isArray(c)) {
      const [from, to, oldest, complete] = c as [number, number, number, boolean];
      const about = { from, to, oldest, complete };
      this.#publishers.replayed(session, epoch, { messages: b.map(fromWire), about }, nowMs);
    }
  }

  #deliver({ node, epoch }: Origin, message: FeedMessage): void {
    const { topic, seq, atMs, headers, body } = message;
    try {
      const value = decode(body) as T;
      const item: FeedItem<T> = { topic, seq, atMs, headers, value, node, epoch };
      if (this.#interceptor === undefined) this.#options.onItem(item);
      else this.#intercepted(this.#interceptor, item);
    } catch (error) {
      this.#fail(error);
    }
  }

  #intercepted(interceptor: Interceptor, item: FeedItem<T>): void {
    const { name } = this;
    const { node: peer, topic, headers } = item;
    const about = { verb: "feed", side: "consumer", name, peer, attributes: { topic } } as const;
    const next = async (_headers: Headers): Promise<void> => this.#options.onItem(item);
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

/** Where a feed that binds is followed from, and with which keys. */
export interface FollowFeedOptions<T> extends FollowOptions<T>, Pick<DialOptions, "node"> {
  readonly keys?: DialKeys | undefined;
}

/**
 * Follows a feed that was opened with `openFeed`, now or whenever it is there, until closed.
 * @param to endpoint of the listener it was opened on, or a session to it
 */
export function follow<T>(to: To, name: string, options: FollowFeedOptions<T>): Follower<T> {
  const follower = new Follower<T>(name, options, true);
  const { session, end } = sessionTo(to, options);
  const { keys: security } = options;
  const socket = new SafeSocket("sub", { security, subscribe: follower.prefixes });
  const host = parseEndpoint(session.endpoint)?.host ?? "127.0.0.1";
  let dialled: string | undefined;
  const onOffer = (port: number): void => {
    const endpoint = `tcp://${host}:${port}`;
    if (endpoint === dialled) return;
    if (dialled !== undefined) socket.disconnect(dialled);
    dialled = endpoint;
    socket.connect(endpoint);
  };
  const detach = attach(session, { verb: VERB_FEED, name }, follower.lane(session, onOffer));
  const stop = session.watch((state) => {
    if (state === "up") follower.ask(session, 0);
  });
  if (session.state === "up") follower.ask(session, 0);
  void follower.read(socket);
  follower.endWith(detach, stop, () => socket[Symbol.asyncDispose](), end);
  return follower;
}

/**
 * Collects a feed from every publisher that dials `listener` (`publishTo`): fan-in.
 * @throws LinkError when the data lane cannot be bound
 */
export async function collectFeed<T>(
  name: string,
  listener: Listener,
  options: FollowOptions<T> & LaneOptions,
): Promise<Follower<T>> {
  const follower = new Follower<T>(name, options, false);
  const make = (security: Gate["security"] | undefined): SafeSocket =>
    new SafeSocket("sub", { security, subscribe: follower.prefixes });
  const { socket, port, end } = await bindLane(make, options);
  const accept = (session: Session): NamedHandler =>
    follower.lane(session, () => follower.ask(session, port));
  const withdraw = offer(listener, { verb: VERB_FEED, name }, accept);
  void follower.read(socket);
  follower.endWith(withdraw, () => socket[Symbol.asyncDispose](), end);
  return follower;
}
