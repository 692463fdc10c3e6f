import {
  type Headers,
  type Observed,
  type Operation,
  type Peer,
  Traceparent,
} from "@zeroplane/link";
import type { CallContext } from "./call-context.ts";
import { type CallSizes, keepSizes } from "./call-sizes.ts";
import type { RpcError } from "./errors.ts";
import type { ItemPump } from "./item-pump.ts";
import type { Method } from "./service.ts";
import { ONCE } from "./wire.ts";

/** What a call is about. */
export interface CallFacts {
  readonly id: number;
  readonly service: { readonly name: string };
  readonly method: Method;
  readonly record: {
    readonly args: readonly unknown[];
    readonly headers: Headers | undefined;
    /** 0 for no limit. */
    readonly leftMs: number;
    readonly place?: Traceparent | undefined;
  };
  /** Over which it came. */
  readonly session: { readonly peer: Peer };
}

const fullNames = new WeakMap<Method, string>();

/** `service.method`, made once for each method. */
function fullNameOf(service: string, method: Method): string {
  const known = fullNames.get(method);
  if (known !== undefined) return known;
  const name = `${service}.${method.name}`;
  fullNames.set(method, name);
  return name;
}

const NO_HEADERS: Headers = Object.freeze({});

/** One call on the server: what its handler sees, and how it is told of its end. */
export class ServerCall implements CallContext, CallSizes {
  readonly id: number;
  readonly target: Method;
  readonly args: readonly unknown[];
  readonly startedAtMs = performance.now();
  bytesIn = 0;
  bytesOut = 0;
  /** When the caller stops waiting, on the clock of `performance.now()`. */
  deadlineMs: number;
  /** Sends the items, when the answer is a stream. */
  pump: ItemPump | undefined;
  observed: Observed | undefined;
  readonly #own: Headers;
  readonly #place: Traceparent | undefined;
  #headers: Headers | undefined;
  readonly #service: { readonly name: string };
  readonly #session: { readonly peer: Peer };
  #abort: AbortController | undefined;
  #ended: RpcError | undefined;

  constructor({ id, service, method, record, session }: CallFacts) {
    this.id = id;
    this.target = method;
    this.args = record.args;
    this.#own = record.headers ?? NO_HEADERS;
    this.#place = record.place;
    this.#session = session;
    this.#service = service;
    const { leftMs } = record;
    this.deadlineMs = leftMs === 0 ? Number.POSITIVE_INFINITY : this.startedAtMs + leftMs;
  }

  get method(): string {
    return fullNameOf(this.#service.name, this.target);
  }

  /** What the caller's interceptors sent along. */
  get headers(): Headers {
    this.#headers ??=
      this.#place === undefined ? this.#own : { ...this.#own, traceparent: String(this.#place) };
    return this.#headers;
  }

  /** Where the caller is in its trace. */
  get from(): Traceparent | undefined {
    return this.#place ?? Traceparent.parse(this.#own["traceparent"]);
  }

  get peer(): Peer {
    return this.#session.peer;
  }

  /** Names it when it must not run twice. */
  get onceId(): string | undefined {
    return this.#own[ONCE];
  }

  get leftMs(): number {
    return Math.max(0, this.deadlineMs - performance.now());
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#ended !== undefined) this.#abort.abort(this.#ended);
    }
    return this.#abort.signal;
  }

  /** The call as interceptors see it. */
  operation(): Operation {
    const { method: name, headers, peer } = this;
    const node = peer.node;
    const about: Operation = {
      verb: "rpc",
      side: "server",
      name,
      headers,
      peer: node,
      attributes: {},
    };
    return keepSizes(about, this);
  }

  /** True once nobody waits for the answer any more. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Nobody waits for the answer any more: tells the handler why. */
  end(reason: RpcError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#abort?.abort(reason);
    this.pump?.stop();
  }
}
