import {
  compose,
  type Interceptor,
  type Listener,
  type ListenKeys,
  listen,
  nodeName,
  type Session,
} from "@zeroplane/link";
import type { MethodOptions } from "./guard.ts";
import { type OnceOptions, ReplyCache } from "./reply-cache.ts";
import { ServerSession } from "./server-session.ts";
import { type Question, Service } from "./service.ts";
import { VERB_RPC } from "./wire.ts";
import { serveForeign } from "./zerorpc/foreign.ts";

/** What holds for callers that speak zerorpc. */
export interface ForeignOptions {
  /** Between two heartbeats, milliseconds (default 5 000); the callers must have the same. */
  readonly heartbeatMs?: number;
  /** Show them the files and lines of this process in tracebacks (default false). */
  readonly paths?: boolean;
}

/** How an object is exposed. */
export interface ExposeOptions {
  /** Name of the service in tracebacks, traces and help (default the class's name). */
  readonly name?: string;
  /** Answered beside the methods and listed nowhere; their names begin with `_`. */
  readonly questions?: Readonly<Record<string, Question>>;
  /** Around every call, the first outermost. */
  readonly interceptors?: readonly Interceptor[];
  /** Calls of one peer that may run at a time (default 4 096); more are refused at once. */
  readonly callsMax?: number;
  /** Name of this process (default host and pid). */
  readonly node?: string;
  /** What holds for single methods: a schema of their arguments, how often they may run at a time. */
  readonly methods?: Readonly<Record<string, MethodOptions>>;
  /** How long and how many answers of calls made with `once` are kept. */
  readonly once?: OnceOptions;
  /** How long running calls may go on after `close`, milliseconds (default 5 000). */
  readonly drainMs?: number;
  /** Callers that speak zerorpc v3 are served as well, unless there are keys. */
  readonly zerorpc?: ForeignOptions;
}

/** Options of {@link serve}. */
export interface ServeOptions extends ExposeOptions {
  /** Where to listen (default `tcp://127.0.0.1:*`, any free port). */
  readonly bind?: string;
  /** Encrypts, and lets in only trusted keys. */
  readonly keys?: ListenKeys | undefined;
  /** Allows a non-loopback endpoint without keys (default false). */
  readonly insecure?: boolean;
}

/** An object on the network. */
export interface Server extends AsyncDisposable {
  /** What clients connect to. */
  readonly endpoint: string;
  readonly service: Service;
  /** Calls that are running now: all of them, or those of one session. */
  running(session?: Session): number;
  /** Takes no more calls, gives running ones time to finish, and ends. */
  close(): Promise<void>;
}

const CALLS_MAX = 4_096;
const DRAIN_MS = 5_000;
const POLL_MS = 10;
const EXPIRE_MS = 25;
const HEARTBEAT_MS = 5_000;

/** Puts `target` on a listener that may serve other verbs as well. */
export function expose(target: object, listener: Listener, options: ExposeOptions = {}): Server {
  const service = new Service(target, options.name, options.methods, options.questions);
  const sessions = new Map<Session, ServerSession>();
  const settings = {
    service,
    callsMax: options.callsMax ?? CALLS_MAX,
    interceptor: compose(options.interceptors),
    node: options.node ?? nodeName(),
    replies: new ReplyCache(options.once),
  };
  const { heartbeatMs = HEARTBEAT_MS, paths = false } = options.zerorpc ?? {};
  const foreign = serveForeign(listener, { ...settings, heartbeatMs, paths });
  let isDraining = false;
  const accept = (session: Session): ServerSession => {
    const handler = new ServerSession(session, settings);
    sessions.set(session, handler);
    if (isDraining) handler.drain();
    session.watch((state) => {
      if (state === "closed") sessions.delete(session);
    });
    return handler;
  };
  const withdraw = listener.accept(VERB_RPC, accept);
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const session of sessions.values()) session.expire(nowMs);
    foreign.server.tick(nowMs);
  }, EXPIRE_MS).unref();
  const running = (session?: Session): number =>
    session === undefined
      ? sessions.values().reduce((sum, { running: n }) => sum + n, foreign.server.running)
      : (sessions.get(session)?.running ?? 0);
  const close = async (): Promise<void> => {
    isDraining = true;
    for (const session of sessions.values()) session.drain();
    foreign.server.drain();
    const deadline = performance.now() + (options.drainMs ?? DRAIN_MS);
    while (running() > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    withdraw();
    foreign.withdraw();
    clearInterval(timer);
  };
  return { endpoint: listener.endpoint, service, running, close, [Symbol.asyncDispose]: close };
}

/**
 * Serves any object, class instance, function or module namespace, unchanged. Its own and
 * inherited methods can be called, nested objects give dotted names, and whatever is iterated
 * asynchronously is a stream. Names that begin with `_` or `#` stay private.
 * @returns once clients can connect
 * @throws LinkError ERR_LINK_ENDPOINT when the endpoint is in use, ERR_LINK_INSECURE when it would
 *   be open to others without keys
 */
export async function serve(target: object, options: ServeOptions = {}): Promise<Server> {
  const { bind = "tcp://127.0.0.1:*", keys, insecure = false, node = nodeName() } = options;
  const listener = await listen(bind, { node, keys, insecure });
  const server = expose(target, listener, options);
  const close = async (): Promise<void> => {
    await server.close();
    await listener.close();
  };
  return { ...server, close, [Symbol.asyncDispose]: close };
}
