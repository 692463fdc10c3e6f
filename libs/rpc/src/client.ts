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
import type { PendingCall } from "./pending-call.ts";

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
  return proxy({ connection, options, interceptor, owned }, "") as Connected<T>;
}

/**
 * Calls a method by name: for names known only at run time, and for those that a client cannot
 * have as a property.
 * @param client what `connect` gave
 */
export function callMethod(client: object, method: string, args: readonly unknown[]): PendingCall {
  const inside = insides.get(client);
  if (inside === undefined) throw new TypeError("not a client: pass what connect() gave");
  return invoke(inside, method, args);
}

function invoke(inside: Inside, method: string, args: readonly unknown[]): PendingCall {
  const { connection, options, interceptor } = inside;
  const context = currentCall();
  const own = options.timeoutMs ?? TIMEOUT_MS;
  const timeoutMs = context === undefined ? own : Math.min(own, context.leftMs);
  const signal = anySignal(options.signal, context?.signal);
  if (interceptor === undefined) {
    return connection.call({ method, args, headers: options.headers, timeoutMs, signal });
  }
  const headers: Headers = { ...options.headers };
  const { call, start } = connection.prepare({ method, args, headers, timeoutMs, signal });
  const operation = (): Operation => ({
    verb: "rpc",
    side: "client",
    name: options.name === undefined ? method : `${options.name}.${method}`,
    headers,
    peer: connection.session.peer.node || connection.session.endpoint,
    attributes: {},
  });
  const run = (): Promise<unknown> => {
    start();
    return call.ended();
  };
  intercept(interceptor, operation, run).catch((error: unknown) => call.fail(error));
  return call;
}

function anySignal(
  a: AbortSignal | undefined,
  b: AbortSignal | undefined,
): AbortSignal | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : AbortSignal.any([a, b]);
}

/** Every property is a method or the first part of its name, so each is made once and kept. */
function proxy(inside: Inside, path: string): object {
  const children = new Map<string, unknown>();
  const target = (...args: unknown[]): unknown => invoke(inside, path || "call", args);
  const made = new Proxy(target, {
    get: (_target, key) => {
      if (key === Symbol.asyncDispose) return () => close(inside);
      // Whatever can be awaited would be awaited.
      if (typeof key === "symbol" || key === "then") return undefined;
      if (!children.has(key)) children.set(key, child(inside, path, key));
      return children.get(key);
    },
    set: () => false,
  });
  insides.set(made, inside);
  return made;
}

function child(inside: Inside, path: string, key: string): unknown {
  if (path === "" && key === "with") {
    return (options: CallOptions) =>
      proxy({ ...inside, options: { ...inside.options, ...options } }, "");
  }
  return proxy(inside, path === "" ? key : `${path}.${key}`);
}

async function close({ connection, owned }: Inside): Promise<void> {
  if (owned) await connection.session.close();
}
