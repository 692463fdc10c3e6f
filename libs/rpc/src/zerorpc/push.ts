import { codeOf, type Headers, requireKeys, SafeSocket } from "@zeroplane/link";
import { RpcError } from "../errors.ts";
import { named } from "../named-functions.ts";
import { trimmed } from "../wire.ts";
import { contextOf, encodeEvent } from "./event.ts";
import { EventIds } from "./event-id.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- matches every function there is
type Callable = (...args: any[]) => unknown;

/** The methods of a remote `T` that nobody answers. */
export type Pushed<T> = {
  readonly [K in keyof T as K extends string
    ? T[K] extends Callable | object
      ? K
      : never
    : never]: T[K] extends Callable ? (...args: Parameters<T[K]>) => void : Pushed<T[K]>;
};

/** Calls without an answer, until it is closed. */
export type Pusher<T> = Pushed<T> & AsyncDisposable;

/** How events are sent to nobody in particular. */
export interface PushOptions {
  /** Text that travels with every event. */
  readonly headers?: Headers;
  /** Events that may wait for each peer (default 1 000); further ones are dropped and counted. */
  readonly waitingMax?: number;
  /** Allows a publisher beyond loopback (default false). */
  readonly insecure?: boolean;
}

/** What became of the events of a pusher or publisher. */
export interface PushStats {
  /** Where it is bound or connected. */
  readonly endpoints: readonly string[];
  readonly sent: number;
  /** Those that had no room. What a publisher's subscribers miss cannot be counted here. */
  readonly dropped: number;
}

const WAITING_MAX = 1_000;
const sockets = new WeakMap<object, SafeSocket>();

/**
 * Each call goes to one of the pullers at `endpoints`, in turn, and is not answered.
 * @throws LinkError ERR_LINK_ENDPOINT when one is no endpoint
 */
export function openPusher<T extends object>(
  endpoints: string | readonly string[],
  options: PushOptions = {},
): Pusher<T> {
  const socket = new SafeSocket("push", { highWaterMark: options.waitingMax ?? WAITING_MAX });
  try {
    for (const endpoint of [endpoints].flat()) socket.connect(endpoint);
  } catch (error) {
    socket.close();
    throw error;
  }
  return pusherOf<T>(socket, options);
}

/**
 * Each call goes to every subscriber that is connected to `bind`, and is not answered.
 * @returns once subscribers can connect
 * @throws LinkError ERR_LINK_ENDPOINT when it cannot be bound, ERR_LINK_INSECURE when it would be
 *   open to others
 */
export async function openPublisher<T extends object>(
  bind: string,
  options: PushOptions = {},
): Promise<Pusher<T>> {
  requireKeys(bind, false, options.insecure);
  const socket = new SafeSocket("pub", { highWaterMark: options.waitingMax ?? WAITING_MAX });
  try {
    await socket.bind(bind);
  } catch (error) {
    socket.close();
    throw error;
  }
  return pusherOf<T>(socket, options);
}

/** Counters of what {@link openPusher} or {@link openPublisher} gave. */
export function pushStats(pusher: object): PushStats {
  const socket = sockets.get(pusher);
  if (socket === undefined) throw new TypeError("not a pusher: pass what openPusher() gave");
  const { endpoints, sent, unsent } = socket.stats();
  return { endpoints, sent, dropped: Object.values(unsent).reduce((sum, n) => sum + n, 0) };
}

function pusherOf<T extends object>(socket: SafeSocket, { headers = {} }: PushOptions): Pusher<T> {
  const ids = new EventIds();
  const context = contextOf(headers);
  const push = (name: string, args: readonly unknown[]): void => {
    if (socket.closed) throw new RpcError("ERR_CLOSED", `${name}: the pusher is closed`);
    socket.send([payload({ id: ids.next(), context, name, args: trimmed(args) })]);
  };
  const close = (): Promise<void> => socket[Symbol.asyncDispose]();
  const pusher = named(push, { [Symbol.asyncDispose]: close });
  sockets.set(pusher, socket);
  return pusher as Pusher<T>;
}

function payload(event: Parameters<typeof encodeEvent>[0]): Uint8Array {
  try {
    return encodeEvent(event);
  } catch (cause) {
    if (codeOf(cause) !== "ERR_LINK_ENCODE") throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RpcError("ERR_INVALID_ARGUMENTS", `${event.name}: ${why}`, { cause });
  }
}
