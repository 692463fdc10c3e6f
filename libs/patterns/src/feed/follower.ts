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
import type { Gap } from "./follower-core.ts";
import { type FeedMessage, fromFrames, fromWire, type Origin, topicFrame } from "./message.ts";
import { Kind } from "./protocol.ts";
import { type From, Publishers } from "./publishers.ts";
import { matchesAny, prefixOf } from "./topics.ts";

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
  /**
   * Called when messages may be lost for good. `to` is `Number.MAX_SAFE_INTEGER` when a publisher
   * has begun another life, and what it put at the end of the one before cannot be known.
   */
  readonly onGap?: (gap: Gap & Origin) => void;
  /** Patterns of topics: `*` is one word, a last `>` is any rest (default everything). */
  readonly topics?: readonly string[];
  /**
   * The number after which to begin, for a publisher's life that is met for the first time:
   * `"now"` (default) leaves out what was put before, `"last"` has the last message of each topic,
   * `"start"` all that its history has, a `Date` what was put from then on by its clock. A later
   * life of a publisher is taken from its start.
   */
  readonly from?: From;
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
  refused = 0;

  /** Use {@link follow} or {@link collectFeed}. */
  constructor(name: string, options: FollowOptions<T>) {
    this.name = name;
    this.#options = options;
    this.#topics = options.topics ?? [">"];
    this.#interceptor = compose(options.interceptors);
    this.#publishers = new Publishers(options.from ?? "now", {
      deliver: (origin, message) => this.#deliver(origin, message),
      gap: (origin, gap) => this.#options.onGap?.({ ...gap, ...origin }),
      ask: (session, from, to) => tell(session, VERB_FEED, [Kind.ask, this.name, from, to]),
    });
  }

  /** Prefixes for a SUB socket. */
  get prefixes(): string[] {
    return this.#topics.map((pattern) => topicFrame(this.name, prefixOf(pattern)));
  }

  /** What is known of each publisher. */
  stats(): { node: string; seen: number; filled: number; gaps: number; duplicates: number }[] {
    return this.#publishers.all().map(({ origin, core }) => {
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
      const found = fromFrames(this.name, frames);
      if (found === undefined) this.refused++;
      else this.#data(found.origin, found.message);
    }
  }

  /** For the openers: one session with a publisher. `onPort` hears where its data lane is. */
  lane(session: Session, onOffer: (port: number) => void): NamedHandler {
    return { receive: (message) => this.#receive(session, message, onOffer) };
  }

  /** For the openers: asks to follow; `port` is where this side has bound the data lane. */
  ask(session: Session, port: number): void {
    tell(session, VERB_FEED, [
      Kind.follow,
      this.name,
      this.#topics,
      port,
      this.#publishers.wireFrom,
    ]);
  }

  #receive(session: Session, message: Message, onOffer: (port: number) => void): void {
    const [kind, , a, b, c] = message;
    if (kind === Kind.offer) {
      this.#offered(session, message, onOffer);
      return;
    }
    const about = { line: session, epoch: Number(a), nowMs: performance.now() };
    if (!Array.isArray(b)) return;
    if (kind === Kind.beat) {
      this.#publishers.beat(about, { lasts: b as [string, number][], head: Number(c) });
    }
    if (kind === Kind.replay && Array.isArray(c)) {
      const [from, to, oldest, next, holes] = c as [number, number, number, number, Gap[]];
      this.#publishers.replayed(about, b.map(fromWire), { from, to, oldest, next, holes });
    }
  }

  #offered(session: Session, message: Message, onOffer: (port: number) => void): void {
    const [, , node, epoch, head, port, base, start] = message;
    const [from, topics] = Array.isArray(start) ? (start as [number, [string, number][]]) : [];
    const offer = {
      origin: { node: String(node), epoch: Number(epoch) },
      head: Number(head),
      base: Number(base),
      start: from === undefined ? undefined : { head: from, topics: topics ?? [] },
    };
    this.#publishers.offered(session, offer, performance.now());
    if (from === undefined || Number(port) > 0) onOffer(Number(port));
  }

  #data(origin: Origin, message: FeedMessage): void {
    if (matchesAny(this.#topics, message.topic))
      this.#publishers.data(origin, message, performance.now());
  }

  #deliver({ node, epoch }: Origin, message: FeedMessage): void {
    const { topic, seq, atMs, headers, body } = message;
    const item: FeedItem<T> = { topic, seq, atMs, headers, value: decode(body) as T, node, epoch };
    if (this.#interceptor === undefined) {
      this.#options.onItem(item);
      return;
    }
    const operation = {
      verb: "feed",
      side: "consumer",
      name: this.name,
      peer: node,
      attributes: { topic },
    } as const;
    const next = async (_headers: Headers): Promise<void> => this.#options.onItem(item);
    intercept(this.#interceptor, () => ({ ...operation, headers }), next).catch(() => undefined);
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
  const follower = new Follower<T>(name, options);
  const { session, end } = sessionTo(to, options);
  const { keys: security } = options;
  const socket = new SafeSocket("sub", { security, subscribe: follower.prefixes });
  const host = parseEndpoint(session.endpoint)?.host ?? "127.0.0.1";
  let dialled: string | undefined;
  const onOffer = (port: number): void => {
    const endpoint = `tcp://${host}:${port}`;
    if (port === 0 || endpoint === dialled) return;
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
  const follower = new Follower<T>(name, options);
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
