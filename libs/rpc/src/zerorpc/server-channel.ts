import type { RpcError } from "../errors.ts";
import type { CreditLimits } from "../item-pump.ts";
import type { ServerCall } from "../server-call.ts";
import { type Context, contextOf, type ZerorpcEvent } from "./event.ts";
import type { EventId } from "./event-id.ts";
import { Heartbeat } from "./heartbeat.ts";

/** Items that a peer can ask for at a time: Node's client asks again and again for far too many. */
const CREDIT_MAX = 10_000;
/** Longest headers that go back with every answer, characters. */
const ECHO_MAX = 1_024;

/** How a channel begins. */
export interface ChannelFacts {
  /** Frames that lead back to the caller, the first being its connection. */
  readonly envelope: readonly Buffer[];
  /** The event that opened it. */
  readonly first: ZerorpcEvent;
  readonly id: EventId;
  readonly heartbeatMs: number;
  /** Its key among all channels. */
  readonly key: string;
  /** The key of the connection. */
  readonly peer: string;
}

/** One conversation: a call, its answers, the credit for them, and the beats of both sides. */
export class ServerChannel {
  readonly envelope: readonly Buffer[];
  readonly id: EventId;
  readonly key: string;
  readonly peer: string;
  readonly version: number;
  readonly heartbeat: Heartbeat;
  /** What was asked, once it was. */
  call: ServerCall | undefined;
  /** What goes back with every answer. */
  context: Context | undefined;
  #credit = 1;
  #closed = false;

  constructor(facts: ChannelFacts, nowMs: number) {
    const { envelope, first, id, heartbeatMs, key, peer } = facts;
    this.envelope = envelope;
    this.id = id;
    this.key = key;
    this.peer = peer;
    this.version = first.version;
    const passive = this.version < 2;
    this.heartbeat = new Heartbeat({ intervalMs: heartbeatMs, passive }, nowMs);
  }

  /** True when nothing goes over it any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What its stream may send now, and at most. */
  get credit(): CreditLimits {
    return { start: this.#credit, max: CREDIT_MAX };
  }

  /** Remembers what goes back: the caller's own headers, and whether it asked who we are. */
  echo({ headers, isOurs }: ZerorpcEvent): void {
    const size = Object.entries(headers).reduce((sum, [k, v]) => sum + k.length + v.length, 0);
    this.context = contextOf(size > ECHO_MAX ? {} : headers, isOurs);
  }

  /** The peer takes more answers. @returns false when it does not say how many */
  grant(args: unknown): boolean {
    const more: unknown = Array.isArray(args) ? args[0] : args;
    if (typeof more !== "number" || !(more >= 0)) return false;
    this.#credit = Math.min(this.#credit + more, CREDIT_MAX);
    this.call?.pump?.credit(more);
    return true;
  }

  /** Nothing goes over it any more; with a reason the handler is told. */
  close(reason?: RpcError): void {
    this.#closed = true;
    if (reason !== undefined) this.call?.end(reason);
  }
}
