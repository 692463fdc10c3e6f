import {
  compose,
  type DialOptions,
  dial,
  type Headers,
  type Interceptor,
  intercept,
  type Operation,
  Session,
} from "@zeroplane/link";
import { currentCall } from "./call-context.ts";
import type { CallOptions, Connected } from "./client-type.ts";
import { type Connection, connectionOf } from "./connection.ts";
import { named } from "./named-functions.ts";
import { type Answer, PendingCall } from "./pending-call.ts";

/** Options of {@link connect}. */
export interface ConnectOptions extends CallOptions, Pick<DialOptions, "keys" | "node"> {
  /** Around every call, the first outermost. */
  readonly interceptors?: readonly Interceptor[];
  /** Put before method names in traces (default nothing). */
  readonly name?: string;
}

const TIMEOUT_MS = 30_000;

interface Inside {
  readonly connection: Connection;
  readonly options: ConnectOptions;
  readonly interceptor: Interceptor | undefined;
  readonly owned: boolean;
}

const insides = new WeakMap<object, Inside>();

/**
 * A typed client of a remote `T`, where `T` is the type of what is served: nothing is generated.
 * Calls are promises, streams are async iterables. A call made inside a handler inherits the
 * deadline and the cancellation of the call it serves.
 * @param to `tcp://host:port` of the server, or a session that other verbs use as well
 * @throws LinkError ERR_LINK_ENDPOINT when that is not an endpoint; everything later is told by
 *   the calls
 */
export function connect<T extends object>(
  to: string | Session,
  options: ConnectOptions = {},
): Connected<T> {
  const owned = !(to instanceof Session);
  const session = to instanceof Session ? to : dial(to, options);
  const interceptor = compose(options.interceptors);
  const connection = connectionOf(session);
  return clientOf({ connection, options, interceptor, owned }) as Connected<T>;
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
  const { connection, options, interceptor } = inside;
  const nowMs = performance.now();
  const context = currentCall();
  const own = options.timeoutMs ?? TIMEOUT_MS;
  const timeoutMs = context === undefined ? own : Math.min(own, context.leftMs);
  const signal = anySignal(options.signal, context?.signal);
  const headers: Headers | undefined =
    interceptor === undefined ? options.headers : { ...options.headers };
  const call = new PendingCall({ method, args, headers, timeoutMs, signal }, nowMs);
  if (interceptor === undefined) connection.start(call, nowMs);
  else around(inside, call, interceptor);
  return call.answer;
}

function around(inside: Inside, call: PendingCall, interceptor: Interceptor): void {
  const { connection, options } = inside;
  const operation = (): Operation => ({
    verb: "rpc",
    side: "client",
    name: options.name === undefined ? call.method : `${options.name}.${call.method}`,
    headers: call.headers ?? {},
    peer: connection.session.peer.node || connection.session.endpoint,
    attributes: {},
  });
  const run = (): Promise<unknown> => {
    connection.start(call);
    return call.whenEnded();
  };
  intercept(interceptor, operation, run).catch((error: unknown) => call.fail(error));
}

function anySignal(
  a: AbortSignal | undefined,
  b: AbortSignal | undefined,
): AbortSignal | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : AbortSignal.any([a, b]);
}

function clientOf(inside: Inside): object {
  const withOptions = (options: CallOptions): object =>
    clientOf({ ...inside, options: { ...inside.options, ...options } });
  const client = named((name, args) => invoke(inside, name || "call", args), {
    with: withOptions,
    [Symbol.asyncDispose]: () => close(inside),
  });
  insides.set(client, inside);
  return client;
}

async function close({ connection, owned }: Inside): Promise<void> {
  if (owned) await connection.session.close();
}
