import { decode, nodeName, type Session, toWireError } from "@zeroplane/link";
import { captureSite } from "./call-site.ts";
import type { Caller } from "./caller.ts";
import { isUnnamed, late, refused, remoteError } from "./connection-errors.ts";
import { RpcError } from "./errors.ts";
import { ItemPump, isStream, streamOf } from "./item-pump.ts";
import type { PendingCall } from "./pending-call.ts";
import { SLOTS_MAX, Slots } from "./slots.ts";
import * as wire from "./wire.ts";

const SWEEP_MS = 20;
const { Kind, HEAD_BYTES, VERB_RPC } = wire;
const connections = new WeakMap<Session, Connection>();

/** The one calling side of a session: any number of clients share it. */
export function connectionOf(session: Session): Connection {
  const known = connections.get(session) ?? new Connection(session);
  connections.set(session, known);
  return known;
}

/** The calling side of one session: numbers calls, matches answers, minds deadlines. */
export class Connection implements Caller {
  readonly session: Session;
  readonly #open = new Slots<PendingCall>();
  readonly #pumps = new Slots<ItemPump>();
  readonly #names = new Map<string, number>();
  #sweep: NodeJS.Timeout | undefined;
  #isDraining = false;
  #boot: string | undefined;
  #nextDeadlineMs = Number.POSITIVE_INFINITY;

  constructor(session: Session) {
    this.session = session;
    session.attach(VERB_RPC, {
      receive: (record) => this.#read(record, 0, record.length),
      read: (bytes, start, end) => this.#read(bytes, start, end),
      reset: () => this.#reset(),
    });
  }

  get endpoint(): string {
    return this.session.endpoint;
  }

  get peerName(): string {
    return this.session.peer.node || this.session.endpoint;
  }

  get isUp(): boolean {
    return !this.#isDraining && (this.session.state === "up" || this.session.state === "stalled");
  }

  get whyDown(): string | undefined {
    return this.session.refusal;
  }

  /** Calls that wait for an answer. */
  get open(): number {
    return this.#open.size;
  }

  /** Sends a call. It never throws: what is wrong is told by the call itself. */
  start(call: PendingCall, nowMs: number): void {
    const id = this.#open.add(call);
    if (id === undefined) {
      const text = `${SLOTS_MAX} calls wait for ${this.session.endpoint}`;
      call.fail(new RpcError("ERR_OVERLOADED", text));
      return;
    }
    call.id = id;
    call.carrier = this;
    call.site ??= captureSite(nowMs);
    if (call.deadlineMs < this.#nextDeadlineMs) this.#nextDeadlineMs = call.deadlineMs;
    this.#sweep ??= setInterval(() => this.#expire(), SWEEP_MS).unref();
    try {
      this.#send(call, nowMs);
    } catch (error) {
      call.fail(refused(call, error));
    }
  }

  grant({ id }: PendingCall, bytes: number): void {
    if (this.session.state !== "closed") wire.sendCredit(this.session, Kind.credit, id, bytes);
  }

  cancel({ id }: PendingCall): void {
    if (this.session.state !== "closed") wire.sendBare(this.session, Kind.cancel, id);
  }

  ended(call: PendingCall): void {
    this.#open.delete(call.id);
  }

  /** Ends the session, whoever else uses it. */
  async close(): Promise<void> {
    await this.session.close();
  }

  #send(call: PendingCall, nowMs: number): void {
    const { timeoutMs } = call.request;
    const { headers, place } = call;
    const leftMs =
      timeoutMs === Number.POSITIVE_INFINITY ? 0 : Math.max(1, call.deadlineMs - nowMs);
    const outgoing = call.request.args.some(isStream) ? this.#outgoing(call) : NONE;
    const args = outgoing === NONE ? call.request.args : withoutStreams(call.request.args);
    const method = this.#index(call.method);
    wire.sendCall(this.session, call.id, {
      method,
      leftMs,
      headers,
      streams: outgoing,
      place,
      args,
    });
    call.sent = this.session.state === "up";
    for (const { id, pump } of outgoing) void this.#pump(id, pump, call.method);
  }

  /** Streams among the arguments go beside the call. */
  #outgoing(call: PendingCall): Outgoing[] {
    return call.request.args.flatMap((arg, index) => {
      const stream = streamOf(arg);
      if (stream === undefined) return [];
      const pump = new ItemPump(stream, (value) =>
        wire.sendValue(this.session, Kind.streamItem, id, value),
      );
      const id = this.#pumps.add(pump) ?? overloaded(call);
      return [{ index, id, pump }];
    });
  }

  async #pump(id: number, pump: ItemPump, method: string): Promise<void> {
    try {
      await pump.run();
      if (!pump.stopped) wire.sendBare(this.session, Kind.streamEnd, id);
    } catch (error) {
      if (pump.stopped || this.session.state === "closed") return;
      const site = { service: "caller", method, node: nodeName(), ms: 0 };
      wire.sendValue(this.session, Kind.streamError, id, toWireError(error, site));
    } finally {
      this.#pumps.delete(id);
    }
  }

  #index(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const index = this.#names.size;
    this.#names.set(name, index);
    wire.sendText(this.session, Kind.method, name, index);
    return index;
  }

  #read(bytes: Buffer, start: number, end: number): void {
    if (end - start < HEAD_BYTES) return;
    const id = wire.idAt(bytes, start);
    const kind = bytes[start];
    if (kind === Kind.streamCancel || kind === Kind.streamCredit) {
      this.#control(id, bytes, start);
      return;
    }
    if (kind === Kind.drain) this.#isDraining = true;
    else if (kind === Kind.server) this.#boot = bytes.toString("utf8", start + HEAD_BYTES, end);
    const call = this.#open.get(id);
    if (call === undefined) return;
    try {
      this.#answer(call, bytes, start, end);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      call.fail(new RpcError("ERR_PROTOCOL", `${call.method}: the answer: ${why}`, { cause }));
    }
  }

  /** A word on a stream of arguments. */
  #control(id: number, bytes: Buffer, start: number): void {
    const pump = this.#pumps.get(id);
    if (pump === undefined) return;
    if (bytes[start] === Kind.streamCancel) pump.stop();
    else pump.credit(bytes.readUInt32BE(start + HEAD_BYTES));
  }

  #answer(call: PendingCall, bytes: Buffer, start: number, end: number): void {
    const at = start + HEAD_BYTES;
    switch (bytes[start]) {
      case Kind.result:
        call.result(wire.readValue(bytes, at, end));
        break;
      case Kind.item:
        call.item(wire.readValue(bytes, at, end), end - start);
        break;
      case Kind.end:
        call.complete();
        break;
      case Kind.error:
        this.#failed(call, remoteError(decode(bytes, at, end), call));
        break;
    }
  }

  #failed(call: PendingCall, error: Error): void {
    if (error instanceof RpcError && isUnnamed(error)) this.#names.clear();
    call.fail(error);
  }

  #expire(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextDeadlineMs) return;
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.#open.values()) {
      if (nowMs >= call.deadlineMs) call.abandon(late(call, this.session));
      else if (call.deadlineMs < next) next = call.deadlineMs;
    }
    this.#nextDeadlineMs = next;
  }

  #reset(): void {
    this.#names.clear();
    this.#isDraining = false;
    for (const pump of this.#pumps.values()) pump.stop();
    const { endpoint, state, peer } = this.session;
    const closed = state === "closed";
    const who = `${peer.node || endpoint} (${endpoint})`;
    const text = closed ? "the connection was closed" : `${who} vanished; it may have happened`;
    const code = closed ? "ERR_CLOSED" : "ERR_LOST_REMOTE";
    const boot = this.#boot;
    this.#boot = undefined;
    for (const call of this.#open.values()) {
      call.ranIn = boot;
      call.fail(new RpcError(code, `${call.method}: ${text}`));
    }
    if (!closed) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

interface Outgoing {
  readonly index: number;
  readonly id: number;
  readonly pump: ItemPump;
}

const NONE: readonly Outgoing[] = [];

/** The places of streams stay empty. */
const withoutStreams = (args: readonly unknown[]): readonly unknown[] =>
  args.map((arg) => (isStream(arg) ? null : arg));

function overloaded({ method }: PendingCall): never {
  throw new RpcError("ERR_OVERLOADED", `${method}: ${SLOTS_MAX} streams are being sent`);
}
