import { LinkError } from "../errors.ts";
import { decodeWelcome, encodeHello, encodeWelcome, type Hello, PROTOCOL } from "./hello.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import * as packet from "./packet.ts";
import { Pulse } from "./pulse.ts";
import type * as session from "./settings.ts";

/**
 * One conversation of two processes as a pure state machine: no socket, no clock, no randomness.
 * Packets are numbered, acknowledged and sent again after a loss, so that records arrive in order
 * and once, or both sides learn of a `reset`. Go-back-N with cumulative acknowledgement is enough
 * because the line below keeps order while it lasts.
 */
export class SessionCore {
  readonly role: "dialer" | "acceptor";
  readonly #identity: session.SessionIdentity;
  readonly #settings: session.SessionSettings;
  readonly #effects: session.SessionEffects;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #pulse: Pulse;
  readonly #deliver: (verb: number, body: Buffer) => void;
  #session: Uint8Array;
  #state: session.SessionState = "opening";
  #wasOpen = false;
  #epoch = 0;
  #peerNode = "";
  #attempt = 0;
  #counts = { packetsIn: 0, packetsOut: 0, stale: 0, resets: 0 };

  constructor(
    role: "dialer" | "acceptor",
    identity: session.SessionIdentity,
    options: {
      readonly settings: session.SessionSettings;
      readonly effects: session.SessionEffects;
    },
  ) {
    this.role = role;
    this.#identity = identity;
    this.#settings = options.settings;
    this.#effects = options.effects;
    this.#session = identity.newSession();
    this.#deliver = (verb, body) => this.#effects.deliver(verb, body);
    this.#pulse = new Pulse(this.#settings);
    this.#inbox = new Inbox(this.#settings.windowBytes / 2);
    this.#outbox = new Outbox((frames, again) => {
      if (!again) this.#inbox.settled();
      this.#emit(frames);
    });
  }

  get state(): session.SessionState {
    return this.#state;
  }

  /** Name the peer gave itself. */
  get peerNode(): string {
    return this.#peerNode;
  }

  /** True when everything sent was acknowledged and nothing waits. */
  get drained(): boolean {
    return this.#outbox.queuedBytes === 0 && this.#outbox.inFlightBytes === 0;
  }

  stats(): session.SessionStats {
    const { duplicates, gaps } = this.#inbox;
    const { resent, queuedBytes, inFlightBytes } = this.#outbox;
    return { ...this.#counts, duplicates, gaps, resent, queuedBytes, inFlightBytes };
  }

  /** Dialer: says hello. */
  dial(nowMs: number): void {
    this.#hello(nowMs);
  }

  /**
   * Acceptor: takes the first hello, or a later one after the line was lost.
   * @param epoch number of this incarnation, used for the first hello only
   */
  accept(hello: Hello, epoch: number, nowMs: number): void {
    const resumed = this.#wasOpen;
    // A dialer must never take a new incarnation for the one it remembers.
    if (!resumed) this.#epoch = epoch === hello.epoch ? (epoch + 1) & 0xffff : epoch;
    this.#peerNode = hello.node;
    const body = encodeWelcome({
      version: PROTOCOL,
      attempt: hello.attempt,
      node: this.#identity.node,
      resumed,
      epoch: this.#epoch,
      receive: this.#inbox.next,
      window: this.#settings.windowBytes,
    });
    this.#control(packet.Kind.welcome, body);
    // What a dialer remembers of another incarnation means nothing in this one.
    this.#opened(hello.epoch === this.#epoch ? hello.receive : 0, hello.window, nowMs);
  }

  /**
   * Queues one record; it leaves at the end of this turn, or at 32 KiB.
   * @throws LinkError ERR_LINK_CLOSED, or ERR_LINK_OVERLOADED beyond `queueBytesMax`
   */
  append(verb: number, body: Uint8Array, nowMs: number): void {
    if (this.#state === "closed") {
      throw new LinkError("ERR_LINK_CLOSED", `the session with ${this.#peerNode} is closed`);
    }
    if (this.#outbox.queuedBytes + body.length > this.#settings.queueBytesMax) {
      const limit = `${this.#settings.queueBytesMax} bytes wait for ${this.#peerNode || "the peer"}`;
      throw new LinkError("ERR_LINK_OVERLOADED", `${limit}; slow down or try later`);
    }
    const first = !this.#outbox.pending;
    if (this.#outbox.append(verb, body)) this.flush(nowMs);
    else if (first) this.#effects.schedule();
  }

  /** Sends the records that wait, as far as the peer's window goes. */
  flush(nowMs: number): void {
    if (this.#state !== "closed") this.#outbox.flush(this.#header(), packet.Kind.data, nowMs);
  }

  /**
   * Takes one packet.
   * @returns false when it is not one of ours: the caller counts it and may drop the peer
   */
  receive(frames: readonly Buffer[], nowMs: number): boolean {
    const header = frames[0] === undefined ? undefined : packet.readHeader(frames[0]);
    if (header === undefined) return false;
    if (this.#state === "closed") return true;
    this.#counts.packetsIn++;
    if (header.kind === packet.Kind.lost) return this.lineLost(nowMs);
    if (header.kind === packet.Kind.reset) return this.#forgotten(nowMs);
    if (header.kind === packet.Kind.welcome) {
      return this.#welcomed(frames[0]?.subarray(packet.HEADER_BYTES), nowMs);
    }
    const current = header.epoch === this.#epoch && this.#wasOpen;
    if (current) return this.#inSession(header, frames, nowMs);
    this.#counts.stale++;
    return true;
  }

  /** The connection below ended. What is unacknowledged is kept for when it is back. */
  lineLost(nowMs: number): true {
    if (this.#state === "closed") return true;
    if (this.#state !== "down") this.#pulse.lost(nowMs);
    this.#outbox.pause();
    this.#become("down");
    if (this.role === "dialer") this.#hello(nowMs);
    return true;
  }

  /** Beats, acknowledgements and give-ups; call it every 50 ms or so. */
  tick(nowMs: number): void {
    if (this.#state === "closed") return;
    if (this.#state === "down" || this.#state === "opening") {
      if (this.#wasOpen && this.#pulse.isTooLong(nowMs)) this.#giveUp();
      else if (this.role === "dialer" && this.#pulse.wantsHello(nowMs)) this.#hello(nowMs);
      return;
    }
    if (this.#inbox.owes) this.#control(packet.Kind.ack);
    if (this.#pulse.asks(nowMs, this.#outbox.oldestSentAtMs)) {
      this.#inbox.askAgain();
      this.#control(packet.Kind.ping);
    }
    const silence = this.#pulse.silence(nowMs);
    if (silence === "down") this.lineLost(nowMs);
    else if (silence === "stalled") this.#become("stalled");
  }

  /** Says goodbye and ends. */
  close(nowMs: number): void {
    if (this.#state === "closed") return;
    this.flush(nowMs);
    if (this.#wasOpen) this.#control(packet.Kind.bye);
    this.#become("closed");
  }

  #inSession(header: packet.Header, frames: readonly Buffer[], nowMs: number): boolean {
    if (!this.#outbox.acknowledged(header.ack, header.window)) return false;
    this.#pulse.heard(nowMs);
    if (this.#state === "stalled") this.#become("up");
    // A dialer that never noticed the silence says no hello: without this we would give it up.
    if (this.#state === "down" && this.role === "acceptor") {
      this.#opened(header.ack, header.window, nowMs);
    }
    switch (header.kind) {
      case packet.Kind.data:
        return this.#data(header, frames, nowMs);
      case packet.Kind.resend:
        this.#outbox.resend(nowMs);
        break;
      case packet.Kind.ping:
        // The peer still waits: our request to send again may have been lost.
        this.#inbox.askAgain();
        this.#control(packet.Kind.pong);
        break;
      case packet.Kind.bye:
        this.#giveUp();
        return true;
      case packet.Kind.ack:
      case packet.Kind.pong:
        break;
      default:
        return false;
    }
    if (this.#inbox.misses(header.seq)) this.#control(packet.Kind.resend);
    this.flush(nowMs);
    return true;
  }

  #data(header: packet.Header, frames: readonly Buffer[], nowMs: number): boolean {
    if (!this.#inbox.take(header.seq, frames)) {
      if (this.#inbox.misses(header.seq)) this.#control(packet.Kind.resend);
      return true;
    }
    const whole = packet.readRecords(frames, this.#deliver);
    // Answers of synchronous handlers leave now, and carry the acknowledgement.
    this.flush(nowMs);
    if (this.#inbox.due) this.#control(packet.Kind.ack);
    return whole;
  }

  #hello(nowMs: number): void {
    this.#pulse.greeted(nowMs);
    const { node, prove } = this.#identity;
    const body = encodeHello({
      version: PROTOCOL,
      session: this.#session,
      attempt: ++this.#attempt,
      node,
      receive: this.#inbox.next,
      window: this.#settings.windowBytes,
      ...prove?.(this.#session),
    });
    this.#control(packet.Kind.hello, body);
  }

  #welcomed(body: Buffer | undefined, nowMs: number): boolean {
    if (this.role !== "dialer" || body === undefined) return false;
    const welcome = decodeWelcome(body);
    if (welcome.attempt !== this.#attempt) {
      this.#counts.stale++;
      return true;
    }
    const forgotten = this.#wasOpen && welcome.epoch !== this.#epoch;
    this.#epoch = welcome.epoch;
    this.#peerNode = welcome.node;
    if (forgotten) this.#reset();
    this.#opened(welcome.receive, welcome.window, nowMs);
    return true;
  }

  #opened(peerReceive: number, window: number, nowMs: number): void {
    this.#wasOpen = true;
    this.#pulse.heard(nowMs);
    this.#inbox.askAgain();
    this.#outbox.open();
    this.#outbox.acknowledged(peerReceive, window);
    this.#outbox.resend(nowMs);
    this.#become("up");
    this.flush(nowMs);
  }

  /** The acceptor does not know our line: say hello on it. */
  #forgotten(nowMs: number): boolean {
    if (this.role !== "dialer") return false;
    if (this.#state === "up" || this.#state === "stalled") return this.lineLost(nowMs);
    // Each packet that was on its way brings a reset: one hello answers them all.
    if (this.#pulse.hurries(nowMs)) this.#hello(nowMs);
    return true;
  }

  /** The peer is gone for good, or too long: an acceptor ends, a dialer starts from nothing. */
  #giveUp(): void {
    if (this.role === "acceptor") {
      this.#become("closed");
      return;
    }
    // Under the old id the acceptor might still remember numbers that we are about to forget.
    this.#session = this.#identity.newSession();
    // A welcome to the old one may still come: it must not be taken for the new one's.
    this.#attempt++;
    this.#wasOpen = false;
    this.#outbox.pause();
    this.#become("down");
    this.#reset();
  }

  #reset(): void {
    this.#counts.resets++;
    this.#inbox.reset();
    this.#outbox.reset();
    this.#effects.reset();
  }

  #header(): Omit<packet.Header, "kind" | "seq"> {
    return { epoch: this.#epoch, ack: this.#inbox.next, window: this.#settings.windowBytes };
  }

  #control(kind: number, body?: Uint8Array): void {
    this.#inbox.settled();
    this.#emit([packet.controlPacket({ ...this.#header(), kind, seq: this.#outbox.next }, body)]);
  }

  #emit(frames: readonly Uint8Array[]): void {
    this.#counts.packetsOut++;
    this.#effects.send(frames);
  }

  #become(state: session.SessionState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#effects.state(state);
  }
}
