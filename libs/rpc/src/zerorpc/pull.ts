import {
  compose,
  type Interceptor,
  intercept,
  type Operation,
  requireKeys,
  SafeSocket,
} from "@zeroplane/link";
import { runInCall } from "../call-context.ts";
import type { MethodOptions } from "../guard.ts";
import { ServerCall } from "../server-call.ts";
import { apply, Service } from "../service.ts";
import { spread } from "./arguments.ts";
import { decodeEvent, type ZerorpcEvent } from "./event.ts";

/** How an object takes events that nobody waits for. */
export interface PullOptions {
  /** Where senders connect to. */
  readonly bind?: string;
  /** Where senders are bound. */
  readonly connect?: string | readonly string[];
  /** Name of the service (default the class's name). */
  readonly name?: string;
  /** Around every event, the first outermost. */
  readonly interceptors?: readonly Interceptor[];
  /** What holds for single methods. */
  readonly methods?: Readonly<Record<string, MethodOptions>>;
  /** Events that are handled at a time (default 256); further ones wait where they are. */
  readonly callsMax?: number;
  /** Allows to bind beyond loopback (default false). */
  readonly insecure?: boolean;
  /** Called with what a method threw, or why it was not called. */
  readonly onError?: (error: unknown, method: string) => void;
}

/** An object that takes events. */
export interface Puller extends AsyncDisposable {
  /** Where it is bound or connected. */
  readonly endpoints: readonly string[];
  /** Events so far: `failed` threw or could not be called, `invalid` were none. */
  stats(): { readonly handled: number; readonly failed: number; readonly invalid: number };
  /** Takes no more events. */
  close(): Promise<void>;
}

const CALLS_MAX = 256;
/** Events that wait before libzmq holds their senders back or drops them. */
const WAITING_MAX = 1_000;

/**
 * Calls the methods of `target` for what pushers send; the results go nowhere.
 * @returns once it is bound
 * @throws LinkError ERR_LINK_ENDPOINT, ERR_LINK_INSECURE
 */
export function servePuller(target: object, options: PullOptions): Promise<Puller> {
  return serveFrom("pull", target, options);
}

/** As {@link servePuller}, for what publishers send: everything of it. */
export function serveSubscriber(target: object, options: PullOptions): Promise<Puller> {
  return serveFrom("sub", target, options);
}

async function serveFrom(
  kind: "pull" | "sub",
  target: object,
  options: PullOptions,
): Promise<Puller> {
  const { bind, connect = [] } = options;
  const inbox = new Inbox(target, options);
  if (bind !== undefined) requireKeys(bind, false, options.insecure);
  const socket = new SafeSocket(kind, { highWaterMark: WAITING_MAX });
  try {
    if (bind !== undefined) await socket.bind(bind);
    for (const endpoint of [connect].flat()) socket.connect(endpoint);
  } catch (error) {
    socket.close();
    throw error;
  }
  void inbox.run(socket);
  const close = (): Promise<void> => socket[Symbol.asyncDispose]();
  const { endpoints } = socket.stats();
  return { endpoints, stats: () => inbox.stats(), close, [Symbol.asyncDispose]: close };
}

/** Runs the events of one socket, some at a time. */
class Inbox {
  readonly #service: Service;
  readonly #options: PullOptions;
  readonly #interceptor: Interceptor | undefined;
  #running = 0;
  #handled = 0;
  #failed = 0;
  #invalid = 0;
  #free: (() => void) | undefined;

  constructor(target: object, options: PullOptions) {
    this.#service = new Service(target, options.name, options.methods);
    this.#options = options;
    this.#interceptor = compose(options.interceptors);
  }

  stats(): { handled: number; failed: number; invalid: number } {
    return { handled: this.#handled, failed: this.#failed, invalid: this.#invalid };
  }

  async run(socket: SafeSocket): Promise<void> {
    const { callsMax = CALLS_MAX } = this.#options;
    for await (const frames of socket) {
      const event = decodeEvent(frames.at(-1) ?? Buffer.alloc(0));
      if (event === undefined) this.#invalid++;
      else void this.#take(event);
      if (this.#running >= callsMax) await new Promise<void>((free) => (this.#free = free));
    }
  }

  async #take(event: ZerorpcEvent): Promise<void> {
    this.#running++;
    try {
      await this.#call(event);
      this.#handled++;
    } catch (error) {
      this.#failed++;
      this.#options.onError?.(error, event.name);
    } finally {
      this.#running--;
      this.#free?.();
    }
  }

  async #call(event: ZerorpcEvent): Promise<void> {
    const service = this.#service;
    const method = service.method(event.name);
    const record = { args: spread(event), headers: event.headers, leftMs: 0 };
    const session = { peer: { node: "zerorpc", capabilities: [], via: [] } };
    const call = new ServerCall({ id: 0, service, method, record, session });
    const operation = (): Operation => ({
      verb: "rpc",
      side: "consumer",
      name: call.method,
      headers: call.headers,
      attributes: {},
    });
    const handle = async (): Promise<unknown> => apply(method, call.args);
    await intercept(this.#interceptor, operation, () => runInCall(call, handle, call));
  }
}
