import { type Gate, type Listener, parseEndpoint, SafeSocket, type Session } from "@zeroplane/link";
import { sessionTo, type To } from "../channel.ts";
import { bindLane, type LaneOptions } from "../lane.ts";
import { attach, type NamedHandler, offer } from "../names.ts";
import { VERB_FEED } from "../verbs.ts";
import type { FollowFeedOptions, FollowOptions } from "./follow-options.ts";
import { Follower } from "./follower.ts";
import { knock } from "./knock.ts";

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
  const lane = follower.lane(session, onOffer);
  const asking = knock(session, lane, () => follower.ask(session, 0));
  const detach = attach(session, { verb: VERB_FEED, name }, asking.handler);
  void follower.read(socket);
  follower.endWith(detach, asking.end, () => socket[Symbol.asyncDispose](), end);
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
