import {
  codeOf,
  type Interceptor,
  intercept,
  type Operation,
  type Session,
  toWireError,
  type VerbHandler,
} from "@zeroplane/link";
import { runInCall } from "./call-context.ts";
import { RpcError } from "./errors.ts";
import { ServerCall } from "./server-call.ts";
import type { Method, Service } from "./service.ts";
import { bare, HEAD_BYTES, Kind, readCall, VERB_RPC, withValue } from "./wire.ts";

const METHODS_MAX = 4_096;

/** How calls of one session are run. */
export interface ServerOptions {
  readonly service: Service;
  /** Calls of one session that may run at a time. */
  readonly callsMax: number;
  readonly interceptor: Interceptor | undefined;
  /** Name of this process, for tracebacks. */
  readonly node: string;
}

type Stream = AsyncIterator<unknown> | Iterator<unknown>;

/** What a result is iterated with when it is a stream, else `undefined`. */
function streamOf(result: unknown): Stream | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  if (Symbol.asyncIterator in result)
    return (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const isIterator = Symbol.iterator in result && "next" in result;
  return isIterator ? (result as IterableIterator<unknown>)[Symbol.iterator]() : undefined;
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" &&
  value !== null &&
  "then" in value &&
  typeof value.then === "function";

/** Runs the calls that come over one session and answers them. */
export class ServerSession implements VerbHandler {
  readonly #session: Session;
  readonly #options: ServerOptions;
  readonly #methods: (Method | RpcError)[] = [];
  readonly #calls = new Map<number, ServerCall>();

  constructor(session: Session, options: ServerOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** Calls that are running. */
  get running(): number {
    return this.#calls.size;
  }

  receive(record: Buffer): void {
    if (record.length < HEAD_BYTES) return;
    const id = record.readUInt32BE(1);
    switch (record[0]) {
      case Kind.call:
        this.#call(id, record);
        break;
      case Kind.method:
        this.#learn(id, record.toString("utf8", HEAD_BYTES));
        break;
      case Kind.cancel:
        this.#calls.get(id)?.end(new RpcError("ERR_CANCELLED", "the caller cancelled"));
        break;
      case Kind.credit:
        if (record.length >= HEAD_BYTES + 4)
          this.#calls.get(id)?.credit(record.readUInt32BE(HEAD_BYTES));
        break;
    }
  }

  reset(): void {
    for (const call of this.#calls.values()) {
      call.end(new RpcError("ERR_LOST_REMOTE", `the caller ${call.peer.node} vanished`));
    }
    this.#calls.clear();
  }

  /** Tells the calls whose caller has stopped waiting. */
  expire(nowMs: number): void {
    for (const call of this.#calls.values()) {
      if (nowMs < call.deadlineMs) continue;
      call.end(new RpcError("ERR_DEADLINE", `the caller of ${call.method} waits no longer`));
    }
  }

  #learn(index: number, name: string): void {
    if (index >= METHODS_MAX) return;
    try {
      this.#methods[index] = this.#options.service.method(name);
    } catch (error) {
      this.#methods[index] = error as RpcError;
    }
  }

  #call(id: number, record: Buffer): void {
    const { service, callsMax } = this.#options;
    const startedAtMs = performance.now();
    try {
      const { args, headers = {}, leftMs, method: index } = readCall(record);
      const method = this.#methods[index] ?? new RpcError("ERR_PROTOCOL", "an unnamed method");
      if (method instanceof RpcError) throw method;
      if (this.#calls.size >= callsMax) {
        const text = `${service.name} already runs ${callsMax} calls of this caller; try later`;
        throw new RpcError("ERR_OVERLOADED", text);
      }
      const { peer } = this.#session;
      this.#run(new ServerCall({ id, service: service.name, method, args, headers, peer, leftMs }));
    } catch (error) {
      this.#fail(id, error, { method: "?", startedAtMs });
    }
  }

  #run(call: ServerCall): void {
    const { interceptor } = this.#options;
    this.#calls.set(call.id, call);
    if (interceptor === undefined) {
      runInCall(call, () => this.#invoke(call));
      return;
    }
    const operation = (): Operation => ({
      verb: "rpc",
      side: "server",
      name: call.method,
      headers: call.headers,
      peer: call.peer.node,
      attributes: {},
    });
    const run = (): Promise<unknown> => runInCall(call, () => this.#handle(call));
    intercept(interceptor, operation, run).catch((error: unknown) => this.#failed(call, error));
  }

  /** Without interceptors: a handler that answers at once is answered in the same turn. */
  #invoke(call: ServerCall): void {
    const failed = (error: unknown): void => this.#failed(call, error);
    try {
      const result: unknown = Reflect.apply(call.target.fn, call.target.owner, call.args);
      if (isThenable(result)) {
        Promise.resolve(result)
          .then((value) => this.#answer(call, value))
          .catch(failed);
      } else this.#answer(call, result)?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  async #handle(call: ServerCall): Promise<void> {
    const result: unknown = await Reflect.apply(call.target.fn, call.target.owner, call.args);
    await this.#answer(call, result);
  }

  #answer(call: ServerCall, result: unknown): Promise<void> | undefined {
    const stream = streamOf(result);
    if (stream !== undefined) return this.#stream(call, stream);
    // Nobody waits for an answer that comes after the deadline or a cancellation.
    if (this.#calls.delete(call.id) && !call.ended) this.#reply(Kind.result, call, result);
    return undefined;
  }

  async #stream(call: ServerCall, stream: Stream): Promise<void> {
    try {
      for (;;) {
        if (!call.mayStream) await call.mayGoOn();
        if (call.ended) break;
        const step = stream.next();
        const { done, value } = step instanceof Promise ? await step : step;
        if (done === true || call.ended) break;
        // Time limits a caller's wait for the first item, not the length of a stream.
        call.deadlineMs = Number.POSITIVE_INFINITY;
        call.spend(this.#reply(Kind.item, call, value));
      }
    } finally {
      if (call.ended) await stream.return?.(undefined);
    }
    if (this.#calls.delete(call.id) && !call.ended)
      this.#session.send(VERB_RPC, bare(Kind.end, call.id));
  }

  #reply(kind: number, call: ServerCall, value: unknown): number {
    let record: Buffer;
    try {
      record = withValue(kind, call.id, value);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new RpcError("ERR_INVALID_RESULT", `the result of ${call.method}: ${why}`, { cause });
    }
    this.#session.send(VERB_RPC, record);
    return record.length;
  }

  #failed(call: ServerCall, error: unknown): void {
    if (this.#calls.delete(call.id) || codeOf(error) === "ERR_INVALID_RESULT") {
      this.#fail(call.id, error, { method: call.target.name, startedAtMs: call.startedAtMs, call });
    }
  }

  #fail(
    id: number,
    error: unknown,
    about: { readonly method: string; readonly startedAtMs: number; readonly call?: ServerCall },
  ): void {
    if (this.#session.state === "closed") return;
    const { service, node } = this.#options;
    const ms = performance.now() - about.startedAtMs;
    const traceId = about.call?.headers["traceparent"]?.split("-")[1];
    const site = { service: service.name, method: about.method, node, ms, traceId };
    this.#session.send(VERB_RPC, withValue(Kind.error, id, toWireError(error, site)));
  }
}
