import {
  type DialKeys,
  type DialOptions,
  encode,
  type Gate,
  type Listener,
  parseEndpoint,
  type Relay,
  type RelayStats,
  relay,
  SafeSocket,
  type Session,
} from "@zeroplane/link";
import { parseMessage } from "../channel.ts";
import { bindLane, type Lane, type LaneOptions } from "../lane.ts";
import { VERB_FEED } from "../verbs.ts";
import { Kind } from "./protocol.ts";

/** Options of {@link relayFeeds}. */
export interface RelayFeedsOptions extends LaneOptions {
  /** Where publishers or collectors are; a new session goes where the fewest are. At least one. */
  readonly to: readonly string[];
  /** How they are dialled. */
  readonly dial?: Omit<DialOptions, "via">;
}

/** Messages libzmq may hold for one slow subscriber; what it then drops is found and filled. */
const LANE_QUEUE_MAX = 10_000;
/** Places of a port in the messages that name one. */
const PORT_OF: ReadonlyMap<number, number> = new Map([
  [Kind.offer, 5],
  [Kind.follow, 3],
]);

/** One socket of the relay, and what it is connected to, by the sessions that led there. */
class Ways {
  readonly #socket: SafeSocket;
  readonly #endpoints = new Map<Session, string>();

  constructor(socket: SafeSocket) {
    this.#socket = socket;
  }

  /** `session` leads to `port` of its host. */
  open(session: Session, port: number): void {
    const endpoint = `tcp://${parseEndpoint(session.endpoint)?.host ?? "127.0.0.1"}:${port}`;
    if (this.#endpoints.get(session) === endpoint) return;
    const isNew = !this.#endpoints.has(session);
    this.#close(session);
    if (![...this.#endpoints.values()].includes(endpoint)) this.#socket.connect(endpoint);
    this.#endpoints.set(session, endpoint);
    if (!isNew) return;
    session.watch((state) => {
      if (state === "closed") this.#close(session);
    });
  }

  #close(session: Session): void {
    const endpoint = this.#endpoints.get(session);
    if (endpoint === undefined) return;
    this.#endpoints.delete(session);
    // A session may end after the relay.
    if (this.#socket.closed) return;
    if (![...this.#endpoints.values()].includes(endpoint)) this.#socket.disconnect(endpoint);
  }
}

/** The sockets of a relay's data lane: one that binds cannot prove who it is where it connects. */
interface Lanes {
  /** From publishers behind, to followers in front. */
  readonly sources: SafeSocket;
  readonly followers: Lane;
  /** From publishers in front, to collectors behind. */
  readonly publishers: Lane;
  readonly targets: SafeSocket;
}

/** Feeds that come in at a listener and go on to another one. See {@link relayFeeds}. */
export class FeedRelay implements AsyncDisposable {
  readonly #relay: Relay;
  readonly #lanes: Lanes;
  #records = 0;

  /** Use {@link relayFeeds}. */
  constructor(front: Listener, lanes: Lanes, options: RelayFeedsOptions) {
    this.#lanes = lanes;
    const { followers, publishers } = lanes;
    const [sources, targets] = [new Ways(lanes.sources), new Ways(lanes.targets)];
    const { to, dial } = options;
    this.#relay = relay(front, {
      to,
      verbs: [VERB_FEED],
      ...(dial !== undefined && { dial }),
      rewrite: (body, back) => {
        const message = parseMessage(body);
        const at = PORT_OF.get(message?.[0] ?? -1);
        const port = at === undefined ? 0 : Number(message?.[at]);
        if (message === undefined || at === undefined || !(port > 0)) return body;
        // A publisher behind names where its data is, a collector behind where it wants it.
        const isOffer = message[0] === Kind.offer;
        (isOffer ? sources : targets).open(back, port);
        return encode(message.with(at, isOffer ? followers.port : publishers.port));
      },
    });
    void this.#run(lanes.sources, followers.socket);
    void this.#run(publishers.socket, lanes.targets);
  }

  /** What it has passed on: `records` on the data lane, the rest is of sessions. */
  stats(): RelayStats & { readonly records: number } {
    return { ...this.#relay.stats(), records: this.#records };
  }

  /** Ends every relayed session and the data lane. */
  async close(): Promise<void> {
    await this.#relay.close();
    const { sources, followers, publishers, targets } = this.#lanes;
    for (const socket of [sources, targets]) socket.close();
    for (const lane of [followers, publishers]) closeLane(lane);
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(from: SafeSocket, to: SafeSocket): Promise<void> {
    for await (const frames of from) {
      this.#records++;
      to.send(frames);
    }
  }
}

function closeLane({ socket, end }: Lane): void {
  socket.close();
  end();
}

/**
 * A broker for feeds: passes sessions on as `relay` of link does, and the data lane with them, so
 * that numbers, history and gaps stay those of the publishers behind. For followers of `openFeed`,
 * and for `publishTo` towards a collector. Whatever is published behind passes once, whoever
 * follows.
 * @param front a listener that has no feeds itself
 * @throws RangeError when `to` is empty; LinkError when a data lane cannot be bound
 */
export async function relayFeeds(front: Listener, options: RelayFeedsOptions): Promise<FeedRelay> {
  type Security = Gate["security"] | DialKeys | undefined;
  const pub = (security: Security): SafeSocket =>
    new SafeSocket("pub", { security, highWaterMark: LANE_QUEUE_MAX });
  const sub = (security: Security): SafeSocket =>
    new SafeSocket("sub", { security, subscribe: [""] });
  const { bind: _, ...anyPort } = options;
  const keys = options.dial?.keys;
  const followers = await bindLane(pub, options);
  try {
    const publishers = await bindLane(sub, anyPort);
    const lanes = { followers, publishers, sources: sub(keys), targets: pub(keys) };
    return new FeedRelay(front, lanes, options);
  } catch (error) {
    closeLane(followers);
    throw error;
  }
}
