import {
  codeOf,
  decode,
  type Headers,
  parseWireError,
  RemoteError,
  type Session,
} from "@zeroplane/link";
import { captureSite } from "./call-site.ts";
import { RpcError, type RpcErrorCode } from "./errors.ts";
import { PendingCall } from "./pending-call.ts";
import {
  bare,
  callRecord,
  creditRecord,
  HEAD_BYTES,
  Kind,
  methodRecord,
  VERB_RPC,
} from "./wire.ts";

/** One call to make. */
export interface Request {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly headers: Headers | undefined;
  /** How long the caller waits, milliseconds; `Infinity` for ever. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

const SWEEP_MS = 20;
const OPEN_MAX = 65_536;
const OWN_CODES: ReadonlySet<string> = new Set<RpcErrorCode>([
  "ERR_NO_METHOD",
  "ERR_OVERLOADED",
  "ERR_INVALID_RESULT",
  "ERR_PROTOCOL",
]);

interface Open {
  readonly call: PendingCall;
  readonly request: Request;
  readonly site: Error | undefined;
  stopListening?: () => void;
}

const connections = new WeakMap<Session, Connection>();

/** The one calling side of a session: any number of clients share it. */
export function connectionOf(session: Session): Connection {
  const known = connections.get(session) ?? new Connection(session);
  connections.set(session, known);
  return known;
}

/** The calling side of one session: numbers calls, matches answers, minds deadlines. */
export class Connection {
  readonly session: Session;
  readonly #open = new Map<number, Open>();
  readonly #names = new Map<string, number>();
  readonly #control = {
    grant: (id: number, bytes: number): void => this.#tell(creditRecord(id, bytes)),
    cancel: (id: number): void => this.#tell(bare(Kind.cancel, id)),
  };
  #id = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(session: Session) {
    this.session = session;
    session.attach(VERB_RPC, {
      receive: (record) => this.#receive(record),
      reset: () => this.#reset(),
    });
  }

  /** Calls that wait for an answer. */
  get open(): number {
    return this.#open.size;
  }

  /** Makes a call. It never throws: what is wrong is told by the call itself. */
  call(request: Request): PendingCall {
    const { call, start } = this.prepare(request);
    start();
    return call;
  }

  /** A call that is sent when `start` is called. Headers may be written until then. */
  prepare(request: Request): { readonly call: PendingCall; readonly start: () => void } {
    const nowMs = performance.now();
    this.#id = (this.#id + 1) >>> 0;
    const call = new PendingCall(this.#id, nowMs + request.timeoutMs, this.#control);
    const entry: Open = { call, request, site: captureSite(nowMs) };
    this.#open.set(call.id, entry);
    call.addEnd(() => this.#ended(entry));
    this.#sweep ??= setInterval(() => this.#expire(), SWEEP_MS);
    return { call, start: () => this.#start(entry) };
  }

  #start(entry: Open): void {
    try {
      this.#send(entry, performance.now());
    } catch (error) {
      entry.call.fail(this.#refused(entry.request, error));
    }
  }

  #send({ call, request }: Open, nowMs: number): void {
    const { signal } = request;
    if (signal?.aborted === true) throw signal.reason;
    if (this.#open.size > OPEN_MAX) {
      throw new RpcError("ERR_OVERLOADED", `${OPEN_MAX} calls wait for ${this.session.endpoint}`);
    }
    const leftMs = request.timeoutMs === Number.POSITIVE_INFINITY ? 0 : call.deadlineMs - nowMs;
    const { args, headers } = request;
    const record = callRecord(call.id, {
      method: this.#index(request.method),
      leftMs,
      headers,
      args,
    });
    this.session.send(VERB_RPC, record);
    call.sent = this.session.state === "up";
    if (signal !== undefined) this.#listen(signal, call.id);
  }

  #listen(signal: AbortSignal, id: number): void {
    const aborted = (): void => {
      const entry = this.#open.get(id);
      if (entry === undefined) return;
      this.#control.cancel(id);
      entry.call.fail(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    const entry = this.#open.get(id);
    if (entry) entry.stopListening = () => signal.removeEventListener("abort", aborted);
  }

  #index(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const index = this.#names.size;
    this.#names.set(name, index);
    this.session.send(VERB_RPC, methodRecord(index, name));
    return index;
  }

  #receive(record: Buffer): void {
    if (record.length < HEAD_BYTES) return;
    const entry = this.#open.get(record.readUInt32BE(1));
    if (entry === undefined) return;
    try {
      this.#answer(entry, record);
    } catch (cause) {
      const { method } = entry.request;
      const why = cause instanceof Error ? cause.message : String(cause);
      entry.call.fail(new RpcError("ERR_PROTOCOL", `${method}: the answer: ${why}`, { cause }));
    }
  }

  #answer(entry: Open, record: Buffer): void {
    const { call } = entry;
    const body = record.subarray(HEAD_BYTES);
    switch (record[0]) {
      case Kind.result:
        call.result(decode(body));
        break;
      case Kind.item:
        call.item(decode(body), record.length);
        break;
      case Kind.end:
        call.complete();
        break;
      case Kind.error:
        call.fail(this.#remote(decode(body), entry));
        break;
    }
  }

  #remote(value: unknown, { site, request }: Open): Error {
    const wire = parseWireError(value);
    const ours =
      wire.name === "RpcError" && wire.hops.length <= 1 && OWN_CODES.has(wire.code ?? "");
    // The other side's library refused, not its method: that is our kind of error.
    if (ours) return new RpcError(wire.code as RpcErrorCode, `${request.method}: ${wire.message}`);
    return new RemoteError(wire, site?.stack);
  }

  #refused({ method }: Request, error: unknown): unknown {
    const code = codeOf(error);
    const why = error instanceof Error ? error.message : String(error);
    const refuse = (own: RpcErrorCode): RpcError =>
      new RpcError(own, `${method}: ${why}`, { cause: error });
    if (code === "ERR_LINK_ENCODE") return refuse("ERR_INVALID_ARGUMENTS");
    if (code === "ERR_LINK_OVERLOADED") return refuse("ERR_OVERLOADED");
    if (code === "ERR_LINK_CLOSED") return refuse("ERR_CLOSED");
    return error;
  }

  #expire(): void {
    const nowMs = performance.now();
    for (const { call, request } of this.#open.values()) {
      call.expire(nowMs, () => this.#late(call, request));
    }
  }

  #late(call: PendingCall, { method, timeoutMs }: Request): RpcError {
    const { endpoint, state } = this.session;
    const waited = `${Math.round(timeoutMs)} ms`;
    if (!call.sent && state !== "up" && state !== "stalled") {
      const hint = "is it running, and are the keys right?";
      const text = `${method}: nobody answers at ${endpoint} after ${waited}; ${hint}`;
      return new RpcError("ERR_UNAVAILABLE", text);
    }
    const text = `${method}: no answer from ${endpoint} after ${waited} (${state}); it may have happened`;
    return new RpcError("ERR_DEADLINE", text);
  }

  #reset(): void {
    this.#names.clear();
    const { endpoint, state, peer } = this.session;
    for (const { call, request } of this.#open.values()) {
      const closed = state === "closed";
      const who = `${peer.node || endpoint} (${endpoint})`;
      const text = closed ? "the connection was closed" : `${who} vanished; it may have happened`;
      const code = closed ? "ERR_CLOSED" : "ERR_LOST_REMOTE";
      call.fail(new RpcError(code, `${request.method}: ${text}`));
    }
  }

  #ended(entry: Open): void {
    entry.stopListening?.();
    this.#open.delete(entry.call.id);
    if (this.#open.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #tell(record: Buffer): void {
    if (this.session.state !== "closed") this.session.send(VERB_RPC, record);
  }
}
