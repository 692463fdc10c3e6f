import { codeOf } from "@zeroplane/link";
import { captureSite } from "../call-site.ts";
import { RpcError, type RpcErrorCode } from "../errors.ts";
import { GRANT_BYTES } from "../item-queue.ts";
import type { CallCarrier, PendingCall } from "../pending-call.ts";
import { trimmed } from "../wire.ts";
import { contextOf, decodeEvent, encodeEvent, Name, type ZerorpcEvent } from "./event.ts";
import { type EventId, EventIds, idOf } from "./event-id.ts";
import { Gap, Heartbeat } from "./heartbeat.ts";
import { remoteError } from "./remote.ts";

/** What the calling side of zerorpc needs. */
export interface CallerCoreOptions {
  /** Who is called, for errors. */
  readonly endpoint: string;
  /** Between two beats, milliseconds; both sides must have the same. */
  readonly heartbeatMs: number;
  /** Answers that may wait here for whoever reads a stream (default 100). */
  readonly window?: number;
  /** Sends one event. */
  readonly send: (payload: Uint8Array) => void;
}

interface Channel {
  readonly call: PendingCall;
  readonly id: EventId;
  readonly heartbeat: Heartbeat;
  readonly startedAtMs: number;
  /** Answers that were asked for and not taken yet; the first comes unasked. */
  reserved: number;
}

const WINDOW = 100;
const CALLS_MAX = 65_536;
const BEAT = [0];

/** The calling side of zerorpc: calls, events and the time in, events and answers out. */
export class CallerCore implements CallCarrier {
  readonly #options: CallerCoreOptions;
  readonly #ids = new EventIds();
  readonly #channels = new Map<string, Channel>();
  readonly #byCall = new Map<PendingCall, Channel>();
  readonly #gap: Gap;
  #dropped = 0;

  constructor(options: CallerCoreOptions) {
    this.#options = options;
    this.#gap = new Gap(options.heartbeatMs);
  }

  /** Calls that wait for an answer. */
  get open(): number {
    return this.#channels.size;
  }

  /** Events that belong to no open call. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sends a call. It never throws: what is wrong is told by the call itself. */
  start(call: PendingCall, nowMs: number): void {
    call.carrier = this;
    call.site ??= captureSite(nowMs);
    const intervalMs = this.#options.heartbeatMs;
    const heartbeat = new Heartbeat({ intervalMs, passive: false }, nowMs);
    const id = idOf(this.#ids.next());
    const channel = { call, id, heartbeat, startedAtMs: nowMs, reserved: 1 };
    this.#channels.set(id.key, channel);
    this.#byCall.set(call, channel);
    try {
      this.#request(channel);
    } catch (error) {
      call.fail(refused(call, error));
    }
  }

  /** One message of the other side. Nothing in it makes this throw. */
  receive(payload: Buffer, nowMs: number): void {
    const event = decodeEvent(payload);
    const channel = this.#channels.get(event?.responseTo?.key ?? "");
    if (event === undefined || channel === undefined) {
      this.#dropped++;
      return;
    }
    if (event.name === Name.beat) channel.heartbeat.heard(nowMs);
    else if (event.name !== Name.more) answer(channel, event, nowMs);
  }

  /** Beats that are due, calls that have waited long enough, and a server that is lost. */
  tick(nowMs: number): void {
    const gapMs = this.#gap.tick(nowMs);
    for (const channel of this.#channels.values()) {
      const { call, heartbeat } = channel;
      if (gapMs > 0) heartbeat.forgive(gapMs);
      const due = heartbeat.tick(nowMs);
      if (nowMs >= call.deadlineMs) call.abandon(this.#late(call));
      else if (due === "beat") this.#control(channel, Name.beat, BEAT);
      else if (due === "lost") this.#lose(call, "sent no heartbeats");
    }
  }

  /** The connection has ended: whoever answers next knows nothing of these calls. */
  lost(): void {
    for (const { call } of this.#channels.values()) this.#lose(call, "vanished");
  }

  /** Fails every call. */
  close(): void {
    for (const { call } of this.#channels.values()) {
      call.fail(new RpcError("ERR_CLOSED", `${call.method}: the connection was closed`));
    }
  }

  /**
   * An item was taken. As Python does it, one event asks for many more, and never before the first
   * answer: its server cannot take many such events.
   */
  grant(call: PendingCall, bytes: number): void {
    const channel = this.#byCall.get(call);
    if (channel === undefined) return;
    const { window = WINDOW } = this.#options;
    channel.reserved -= bytes / GRANT_BYTES;
    if (channel.reserved >= Math.floor(window / 2)) return;
    this.#control(channel, Name.more, [window - channel.reserved]);
    channel.reserved = window;
  }

  /** There is no event that says so: the server learns it from the heartbeats that stop. */
  cancel(call: PendingCall): void {
    this.ended(call);
  }

  ended(call: PendingCall): void {
    const channel = this.#byCall.get(call);
    if (channel === undefined) return;
    this.#byCall.delete(call);
    this.#channels.delete(channel.id.key);
  }

  #request({ call, id }: Channel): void {
    if (call.hasStreams) {
      const text = `${call.method}: zerorpc takes no streams as arguments`;
      throw new RpcError("ERR_INVALID_ARGUMENTS", text);
    }
    if (this.#channels.size > CALLS_MAX) {
      throw new RpcError("ERR_OVERLOADED", `${CALLS_MAX} calls wait for ${this.#options.endpoint}`);
    }
    const context = contextOf(call.allHeaders);
    const args = trimmed(call.request.args);
    this.#options.send(encodeEvent({ id: id.bytes, context, name: call.method, args }));
    call.sent = true;
  }

  #control({ id }: Channel, name: string, args: unknown): void {
    this.#options.send(encodeEvent({ id: this.#ids.next(), responseTo: id, name, args }));
  }

  #lose(call: PendingCall, why: string): void {
    const text = `${call.method}: ${this.#options.endpoint} ${why}; it may have happened`;
    call.fail(new RpcError("ERR_LOST_REMOTE", text));
    this.ended(call);
  }

  #late({ method, timeoutMs }: PendingCall): RpcError {
    const waited = `${Math.round(timeoutMs)} ms`;
    const text = `${method}: no answer from ${this.#options.endpoint} after ${waited}; it may have happened`;
    return new RpcError("ERR_DEADLINE", text);
  }
}

function answer({ call, startedAtMs }: Channel, event: ZerorpcEvent, nowMs: number): void {
  const { name, args, refusal } = event;
  if (refusal !== undefined) {
    call.fail(new RpcError("ERR_PROTOCOL", `${call.method}: the answer: ${refusal}`));
  } else if (name === Name.error) call.fail(remoteError(event, call, nowMs - startedAtMs));
  else if (name === Name.item) call.item(args, GRANT_BYTES);
  // A stream ends with whatever is no item, as Python has it.
  else if (name === Name.end || call.isStream) call.complete();
  else if (name === Name.ok) call.result(Array.isArray(args) ? args[0] : args);
}

function refused({ method }: PendingCall, error: unknown): unknown {
  if (codeOf(error) !== "ERR_LINK_ENCODE") return error;
  const why = error instanceof Error ? error.message : String(error);
  const code: RpcErrorCode = "ERR_INVALID_ARGUMENTS";
  return new RpcError(code, `${method}: ${why}`, { cause: error });
}
