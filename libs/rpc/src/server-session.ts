import {
  codeOf,
  type Interceptor,
  intercept,
  type Session,
  Traceparent,
  toWireError,
  type VerbHandler,
} from "@zeroplane/link";
import { runInCall } from "./call-context.ts";
import { observed } from "./channels.ts";
import { RpcError } from "./errors.ts";
import { IncomingStreams } from "./incoming-streams.ts";
import { ItemPump, isStream, type Stream, streamOf } from "./item-pump.ts";
import type { ReplyCache } from "./reply-cache.ts";
import { ServerCall } from "./server-call.ts";
import { apply, type Method, type Service } from "./service.ts";
import * as wire from "./wire.ts";

const METHODS_MAX = 4_096;
const { Kind, HEAD_BYTES } = wire;

/** How calls of one session are run. */
export interface ServerOptions {
  readonly service: Service;
  /** Calls of one session that may run at a time. */
  readonly callsMax: number;
  readonly interceptor: Interceptor | undefined;
  /** Name of this process, for tracebacks. */
  readonly node: string;
  /** Answers of calls that must not run twice. */
  readonly replies: ReplyCache;
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" &&
  value !== null &&
  "then" in value &&
  typeof value.then === "function";

/** The record that gave the name came before anybody served here; the caller gives it once more. */
const unnamed = (service: string): RpcError =>
  new RpcError("ERR_UNAVAILABLE", `${service} was not told the method's name; try again`, {
    data: { [wire.UNNAMED]: true },
  });

/** Runs the calls that come over one session and answers them. */
export class ServerSession implements VerbHandler {
  readonly #session: Session;
  readonly #options: ServerOptions;
  readonly #methods: (Method | RpcError)[] = [];
  readonly #calls = new Map<number, ServerCall>();
  readonly #streams: IncomingStreams;
  #isDraining = false;
  #peerNode: string | undefined;

  constructor(session: Session, options: ServerOptions) {
    this.#session = session;
    this.#options = options;
    this.#streams = new IncomingStreams(session);
    wire.sendText(session, Kind.server, options.replies.id);
  }

  /** Takes no more calls, and says so. */
  drain(): void {
    this.#isDraining = true;
    if (this.#session.state !== "closed") wire.sendBare(this.#session, Kind.drain, 0);
  }

  /** Calls that are running. */
  get running(): number {
    return this.#calls.size;
  }

  receive(record: Buffer): void {
    this.read(record, 0, record.length);
  }

  read(bytes: Buffer, start: number, end: number): void {
    if (end - start < HEAD_BYTES) return;
    const id = wire.idAt(bytes, start);
    const kind = bytes[start] as number;
    if (kind === Kind.call) this.#call(id, bytes, start, end);
    else if (kind === Kind.method) this.#learn(id, bytes.toString("utf8", start + HEAD_BYTES, end));
    else this.#control(kind, id, bytes.subarray(start + HEAD_BYTES, end));
  }

  reset(): void {
    const vanished = new RpcError(
      "ERR_LOST_REMOTE",
      `the caller ${this.#session.peer.node} vanished`,
    );
    for (const call of this.#calls.values()) {
      // Whoever made it with `once` will come back for the answer.
      if (call.onceId === undefined) call.end(vanished);
    }
    this.#calls.clear();
    this.#peerNode = undefined;
    this.#streams.fail(vanished);
  }

  /** Tells the calls whose caller has stopped waiting. */
  expire(nowMs: number): void {
    for (const call of this.#calls.values()) {
      if (nowMs < call.deadlineMs) continue;
      call.end(new RpcError("ERR_DEADLINE", `the caller of ${call.method} waits no longer`));
    }
  }

  get #peerName(): string {
    this.#peerNode ??= this.#session.peer.node;
    return this.#peerNode;
  }

  #control(kind: number, id: number, body: Buffer): void {
    const call = this.#calls.get(id);
    if (kind >= Kind.streamItem) this.#streams.receive(kind, id, body);
    else if (call === undefined) return;
    else if (kind === Kind.cancel) call.end(new RpcError("ERR_CANCELLED", "the caller cancelled"));
    else if (kind === Kind.credit && body.length >= 4) call.pump?.credit(body.readUInt32BE());
  }

  #learn(index: number, name: string): void {
    if (index >= METHODS_MAX) return;
    try {
      this.#methods[index] = this.#options.service.method(name);
    } catch (error) {
      this.#methods[index] = error as RpcError;
    }
  }

  #call(id: number, bytes: Buffer, start: number, end: number): void {
    const { service } = this.#options;
    try {
      const record = wire.readCall(bytes, start, end);
      const method = this.#admit(record.method);
      const call = new ServerCall({ id, service, method, record, session: this.#session });
      call.bytesIn = end - start;
      this.#streams.open(call, record);
      this.#run(call);
    } catch (error) {
      this.#fail(id, error, undefined);
    }
  }

  #admit(index: number): Method {
    const { service, callsMax } = this.#options;
    const method = this.#methods[index] ?? unnamed(service.name);
    if (method instanceof RpcError) throw method;
    if (this.#isDraining) {
      throw new RpcError("ERR_UNAVAILABLE", `${service.name} is shutting down`);
    }
    if (this.#calls.size < callsMax) return method;
    const text = `${service.name} already runs ${callsMax} calls of this caller; try later`;
    throw new RpcError("ERR_OVERLOADED", text);
  }

  #run(call: ServerCall): void {
    const interceptor = observed("server", this.#options.interceptor);
    const observer = interceptor?.observer;
    if (call.onceId === undefined && (interceptor === undefined || observer !== undefined)) {
      if (observer !== undefined) {
        const { method: name, from, startedAtMs: atMs } = call;
        call.observed = observer.begin({ side: "server", name, peer: this.#peerName, from, atMs });
      }
      runInCall(call, this.#invoke, call);
      return;
    }
    this.#calls.set(call.id, call);
    const handle = call.onceId === undefined ? this.#handle : this.#handleOnce;
    const run = (): Promise<unknown> => runInCall(call, handle, call);
    intercept(interceptor, () => call.operation(), run).catch((error: unknown) =>
      this.#failed(call, error),
    );
  }

  /**
   * Without interceptors, or with one that only observes. A handler that answers at once is answered in the same turn, so that
   * nothing can come for its call meanwhile and nobody needs to know of it.
   */
  readonly #invoke = (call: ServerCall): void => {
    let result: unknown;
    try {
      result = apply(call.target, call.args);
      if (!isThenable(result) && !isStream(result)) {
        this.#streams.close(call);
        this.#reply(Kind.result, call, result);
        call.observed?.ended();
        return;
      }
    } catch (error) {
      this.#streams.close(call);
      call.observed?.ended(error);
      this.#fail(call.id, error, call);
      return;
    }
    this.#calls.set(call.id, call);
    void this.#later(call, result);
  };

  async #later(call: ServerCall, result: unknown): Promise<void> {
    try {
      await this.#answer(call, isThenable(result) ? await result : result);
      call.observed?.ended();
    } catch (error) {
      call.observed?.ended(error);
      this.#failed(call, error);
    }
  }

  readonly #handle = async (call: ServerCall): Promise<void> => {
    const result: unknown = await apply(call.target, call.args);
    await this.#answer(call, result);
  };

  /** A call that was made before gets the answer of then, or waits for it. */
  readonly #handleOnce = async (call: ServerCall): Promise<void> => {
    const of = call.headers[wire.ONCE_OF];
    if (of !== undefined && of !== this.#options.replies.id) {
      const text = `${call.method} was called in a process that is gone; it may have happened`;
      throw new RpcError("ERR_LOST_REMOTE", text);
    }
    const { replies } = this.#options;
    const reply = await replies.answer(call.onceId ?? "", performance.now(), async () => {
      const result = await apply(call.target, call.args);
      if (!isStream(result)) return result;
      throw new RpcError("ERR_INVALID_RESULT", `${call.method} gives a stream: not with once`);
    });
    if ("error" in reply) throw reply.error;
    await this.#answer(call, reply.value);
  };

  #answer(call: ServerCall, result: unknown): Promise<void> | undefined {
    const stream = streamOf(result);
    if (stream !== undefined) return this.#stream(call, stream);
    // Nobody waits for an answer that comes after the deadline or a cancellation.
    if (this.#forget(call) && !call.ended) this.#reply(Kind.result, call, result);
    return undefined;
  }

  async #stream(call: ServerCall, stream: Stream): Promise<void> {
    const pump = new ItemPump(stream, (value) => {
      // Time limits a caller's wait for the first item, not the length of a stream.
      call.deadlineMs = Number.POSITIVE_INFINITY;
      return this.#reply(Kind.item, call, value);
    });
    call.pump = pump;
    if (call.ended) pump.stop();
    await pump.run();
    if (this.#forget(call) && !call.ended) wire.sendBare(this.#session, Kind.end, call.id);
  }

  #forget(call: ServerCall): boolean {
    this.#streams.close(call);
    return this.#calls.delete(call.id);
  }

  #reply(kind: number, call: ServerCall, value: unknown): number {
    try {
      const sent = wire.sendValue(this.#session, kind, call.id, value);
      call.bytesOut += sent;
      return sent;
    } catch (cause) {
      if (codeOf(cause) !== "ERR_LINK_ENCODE") throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new RpcError("ERR_INVALID_RESULT", `the result of ${call.method}: ${why}`, { cause });
    }
  }

  #failed(call: ServerCall, error: unknown): void {
    if (this.#forget(call) || codeOf(error) === "ERR_INVALID_RESULT") {
      this.#fail(call.id, error, call);
    }
  }

  #fail(id: number, error: unknown, call: ServerCall | undefined): void {
    if (this.#session.state === "closed") return;
    const { service, node } = this.#options;
    const ms = call === undefined ? 0 : performance.now() - call.startedAtMs;
    const from = call?.from;
    const traceId = from === Traceparent.UNRECORDED ? undefined : from?.traceId;
    const method = call?.target.name ?? "?";
    const site = { service: service.name, method, node, ms, traceId };
    wire.sendValue(this.#session, Kind.error, id, toWireError(error, site));
  }
}
