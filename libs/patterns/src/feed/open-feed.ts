import {
  type DialKeys,
  type Gate,
  type Listener,
  parseEndpoint,
  SafeSocket,
  type Session,
} from "@zeroplane/link";
import { bindLane, type LaneOptions } from "../lane.ts";
import { attach, offer } from "../names.ts";
import { VERB_FEED } from "../verbs.ts";
import { Feed, type FeedOptions } from "./feed.ts";
import { knock } from "./knock.ts";

/** Options of {@link openFeed}. */
export type OpenFeedOptions = FeedOptions & LaneOptions;

/** Options of {@link publishTo}. */
export interface PublishOptions extends FeedOptions {
  readonly keys?: DialKeys | undefined;
}

/** Messages libzmq may hold for one slow subscriber; what it then drops is found and filled. */
const LANE_QUEUE_MAX = 10_000;

/**
 * Opens a feed that followers dial: they ask on `listener`, and get the data from a PUB socket.
 * @throws LinkError when the data lane cannot be bound; PatternError ERR_STORE or ERR_STORE_FULL
 *   when the log in `folder` cannot be opened
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
 * @throws PatternError ERR_STORE or ERR_STORE_FULL when the log in `folder` cannot be opened
 */
export function publishTo<T>(
  session: Session,
  name: string,
  options: PublishOptions = {},
): Feed<T> {
  const security = options.keys;
  const socket = new SafeSocket("pub", { security, highWaterMark: LANE_QUEUE_MAX });
  const nothing = (): void => undefined;
  const feed = made(() => new Feed<T>(name, socket, options), socket, nothing);
  const host = parseEndpoint(session.endpoint)?.host ?? "127.0.0.1";
  const about = { verb: VERB_FEED, name };
  const asking = knock(session, feed.lane(session, host), () => feed.announce(session));
  const detach = attach(session, about, asking.handler);
  feed.bound(0, detach, asking.end);
  return feed;
}
