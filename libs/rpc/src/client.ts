import { randomUUID } from "node:crypto";
import {
  compose,
  type DialOptions,
  dial,
  type EndpointSource,
  type Headers,
  type Interceptor,
  intercept,
  type Observed,
  type Observer,
  type Operation,
  Session,
} from "@zeroplane/link";
import { currentCall } from "./call-context.ts";
import type { Caller } from "./caller.ts";
import { observed } from "./channels.ts";
import type { CallOptions, Connected } from "./client-type.ts";
import { connectionOf } from "./connection.ts";
import { Hedge } from "./hedge.ts";
import { named } from "./named-functions.ts";
import { type Answer, type CallPolicy, PendingCall, PLAIN } from "./pending-call.ts";
import { Pool } from "./pool.ts";
import { Retry } from "./retry.ts";
import { ONCE } from "./wire.ts";
import { ZerorpcCaller } from "./zerorpc/caller.ts";
import { DialectCaller } from "./zerorpc/dialect-caller.ts";
import type { Dialect } from "./zerorpc/probe.ts";

/** Options of {@link connect}. */
export interface ConnectOptions extends CallOptions, Pick<DialOptions, "keys" | "node"> {
  /** Around every call, the first outermost. */
  readonly interceptors?: readonly Interceptor[];
  /** Put before method names in traces (default nothing). */
  readonly name?: string;
  /** What the peers speak (default `auto`: they are asked; `zp1` with keys, without asking). */
  readonly dialect?: Dialect | "auto";
  /** Between two heartbeats of peers that speak zerorpc, milliseconds (default 5 000, as theirs). */
  readonly heartbeatMs?: number;
}

const TIMEOUT_MS = 30_000;
const HEARTBEAT_MS = 5_000;
/** Names of methods that a client keeps. */
const NAMES_MAX = 1_024;

/** What all clients of the same peers share. */
interface Shared {
  readonly pool: Pool;
  readonly retry: Retry;
  readonly hedge: Hedge;
  readonly close: () => Promise<void>;
}

interface Inside extends Shared {
  readonly options: ConnectOptions;
  readonly policy: CallPolicy;
  readonly interceptor: Interceptor | undefined;
  readonly again: (call: PendingCall, error: unknown) => boolean;
  /** A method's name in traces. */
  readonly fullName: (method: string) => string;
}

const insides = new WeakMap<object, Inside>();
const ofSessions = new WeakMap<Session, Shared>();

/**
 * A typed client of a remote `T`, where `T` is the type of what is served: nothing is generated.
 * Calls are promises, streams are async iterables. A call made inside a handler inherits the
 * deadline and the cancellation of the call it serves.
 *
 * With several endpoints each call goes to the one that has the fewest open. A call that surely did
 * not happen (nobody there, overloaded, shutting down) is made again elsewhere, twice at most;
 * `retry`, `idempotent` and `hedge` say what else may be done.
 * @param to `tcp://host:port` of the server, several of them, a source of lists that change (see
 *   {@link dnsEndpoints}), or a session that other verbs use as well
 * @throws LinkError ERR_LINK_ENDPOINT when that is not an endpoint; everything later is told by
 *   the calls
 */
export function connect<T extends object>(
  to: string | readonly string[] | EndpointSource | Session,
  options: ConnectOptions = {},
): Connected<T> {
  const shared = to instanceof Session ? ofSession(to) : ofEndpoints(to, options);
  const interceptor = compose(options.interceptors);
  return clientOf(insideOf(shared, options, interceptor)) as Connected<T>;
}

function insideOf(
  shared: Shared,
  options: ConnectOptions,
  interceptor: Interceptor | undefined,
): Inside {
  const { idempotent = false, once = false, retry = {}, hedge } = options;
  if (hedge !== undefined && !idempotent) {
    throw new TypeError("a call that is hedged may run twice: say idempotent: true as well");
  }
  const isPlain = !idempotent && !once && options.retry === undefined;
  const retries = typeof retry === "number" ? { max: retry } : retry;
  const policy = isPlain ? PLAIN : { idempotent, once, hedge, retry: retries };
  const again = shared.retry.again.bind(shared.retry);
  return { ...shared, options, policy, interceptor, again, fullName: namer(options.name) };
}

/** Puts `prefix` before names; those in use are kept, so that they are made once. */
function namer(prefix: string | undefined): (method: string) => string {
  if (prefix === undefined) return (method) => method;
  const names = new Map<string, string>();
  return (method) => {
    const known = names.get(method);
    if (known !== undefined) return known;
    const name = `${prefix}.${method}`;
    if (names.size < NAMES_MAX) names.set(method, name);
    return name;
  };
}

function sharedOf(pool: Pool, close: () => Promise<void>): Shared {
  return { pool, retry: new Retry(pool), hedge: new Hedge(pool), close };
}

/** Clients of one session share its calls, and leave it open. */
function ofSession(session: Session): Shared {
  const known = ofSessions.get(session);
  if (known !== undefined) return known;
  const pool = new Pool((_endpoint, changed) => {
    session.watch(changed);
    return connectionOf(session);
  });
  pool.update([session.endpoint]);
  const shared = sharedOf(pool, async () => undefined);
  ofSessions.set(session, shared);
  return shared;
}

function ofEndpoints(
  to: string | readonly string[] | EndpointSource,
  options: ConnectOptions,
): Shared {
  const pool = new Pool((endpoint, changed) => openCaller(endpoint, options, changed));
  if (typeof to === "string") pool.update([to]);
  else if (Symbol.asyncIterator in to) {
    const source = to[Symbol.asyncIterator]();
    void follow(source, pool);
    return sharedOf(pool, async () => {
      void source.return?.();
      await pool.close();
    });
  } else pool.update(to);
  return sharedOf(pool, () => pool.close());
}

function openCaller(endpoint: string, options: ConnectOptions, changed: () => void): Caller {
  const zp1 = (told: () => void): Caller => {
    const session = dial(endpoint, options);
    session.watch(told);
    return connectionOf(session);
  };
  const { dialect = "auto", heartbeatMs = HEARTBEAT_MS } = options;
  if (options.keys !== undefined || dialect === "zp1") return zp1(changed);
  return new DialectCaller(endpoint, {
    dialect,
    changed,
    open: (spoken, { changed: told, lost }) =>
      spoken === "zp1" ? zp1(told) : new ZerorpcCaller(endpoint, { heartbeatMs, onLost: lost }),
  });
}

async function follow(source: AsyncIterator<readonly string[]>, pool: Pool): Promise<void> {
  for (;;) {
    const { done, value } = await source.next();
    if (done === true) return;
    pool.update(value);
  }
}

/**
 * Calls a method by name: for names known only at run time, and for those that a client cannot
 * have as a property.
 * @param client what `connect` gave
 */
export function callMethod(client: object, method: string, args: readonly unknown[]): Answer {
  const inside = insides.get(client);
  if (inside === undefined) throw new TypeError("not a client: pass what connect() gave");
  return invoke(inside, method, args);
}

function invoke(inside: Inside, method: string, args: readonly unknown[]): Answer {
  const { pool, options, policy, retry } = inside;
  const interceptor = observed("client", inside.interceptor);
  const observer = interceptor?.observer;
  const around = observer === undefined ? interceptor : undefined;
  const nowMs = performance.now();
  const context = currentCall();
  const own = options.timeoutMs ?? TIMEOUT_MS;
  const timeoutMs = context === undefined ? own : Math.min(own, context.leftMs);
  const signal = anySignal(options.signal, context?.signal);
  const headers: Headers | undefined =
    around === undefined && !policy.once ? options.headers : { ...options.headers };
  if (policy.once && headers !== undefined) headers[ONCE] = randomUUID();
  const { to } = options;
  const seen = observer && begin(inside, observer, method, nowMs);
  const request = { method, args, headers, timeoutMs, signal, to, policy };
  const call = new PendingCall(request, nowMs, seen);
  call.beforeFail = inside.again;
  call.listen();
  retry.made();
  if (call.ended) return call.answer;
  if (around === undefined) pool.start(call, nowMs);
  else startWithin(inside, call, around);
  if (policy.hedge !== undefined) inside.hedge.watch(call, policy.hedge);
  return call.answer;
}

function begin(inside: Inside, observer: Observer, method: string, atMs: number): Observed {
  const peer = inside.options.to ?? inside.pool.peerName;
  const name = inside.fullName(method);
  return observer.begin({ side: "client", name, peer, from: undefined, atMs });
}

function startWithin(
  { pool, fullName }: Inside,
  call: PendingCall,
  interceptor: Interceptor,
): void {
  const operation = (): Operation => ({
    verb: "rpc",
    side: "client",
    name: fullName(call.method),
    headers: call.headers ?? {},
    peer: call.to ?? pool.peerName,
    attributes: {},
  });
  const run = (): Promise<unknown> => {
    pool.start(call, performance.now());
    return call.whenEnded();
  };
  intercept(interceptor, operation, run).catch((error: unknown) => call.abandon(error));
}

function anySignal(
  a: AbortSignal | undefined,
  b: AbortSignal | undefined,
): AbortSignal | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : AbortSignal.any([a, b]);
}

function clientOf(inside: Inside): object {
  const { options, interceptor } = inside;
  const withOptions = (own: CallOptions): object =>
    clientOf(insideOf(inside, { ...options, ...own }, interceptor));
  const client = named((name, args) => invoke(inside, name || "call", args), {
    with: withOptions,
    [Symbol.asyncDispose]: inside.close,
  });
  insides.set(client, inside);
  return client;
}
