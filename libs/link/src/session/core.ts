import { Greeting, type Progress } from "./greeting.ts";
import { decodeRefused, decodeWelcome, type Hello } from "./hello.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import * as packet from "./packet.ts";
import { Pulse } from "./pulse.ts";
import type * as session from "./settings.ts";
import { TICK_MS } from "./settings.ts";

/**
 * One conversation of two processes as a pure state machine: no socket, no clock, no randomness.
 * Packets are numbered, acknowledged and sent again after a loss, so that records arrive in order
 * and once, or both sides learn of a `reset`. Go-back-N with cumulative acknowledgement is enough
 * because the line below keeps order while it lasts.
 */
export class SessionCore {
  readonly role: "dialer" | "acceptor";
  readonly #settings: session.SessionSettings;
  readonly #effects: session.SessionEffects;
  readonly #inbox: Inbox;
  readonly #pulse: Pulse;
  readonly #deliver: packet.DeliverRecord;
  readonly greeting: Greeting;
  readonly outbox: Outbox;
  #state: session.SessionState = "opening";
  #wasOpen = false;
  paused = false;
  #counts = { packetsIn: 0, packetsOut: 0, stale: 0, resets: 0 };

  constructor(
    role: "dialer" | "acceptor",
    identity: session.SessionIdentity,
    { settings, effects }: session.SessionParts,
  ) {
    this.role = role;
    this.greeting = new Greeting(identity);
    this.#settings = settings;
    this.#effects = effects;
    this.#deliver = (verb, bytes, start, end) => effects.deliver(verb, bytes, start, end);
    this.#pulse = new Pulse(settings, role);
    this.#inbox = new Inbox(settings);
    this.outbox = new Outbox(settings.queueBytesMax, {
      send: (frames, again) => {
        if (!again) this.#inbox.settled();
        this.#emit(frames);
      },
      schedule: () => effects.schedule(),
      peer: () => this.greeting.peerNode || "the peer",
    });
  }

  get state(): session.SessionState {
    return this.#state;
  }

  stats(): session.SessionStats {
    const { duplicates, gaps } = this.#inbox;
    return { ...this.#counts, duplicates, gaps, ...this.outbox.stats() };
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
    if (this.#state === "closed") return;
    const isNew = !this.#wasOpen;
    const body = this.greeting.welcome(hello, this.#progress(), isNew ? epoch : undefined);
    this.#control(packet.Kind.welcome, body);
    // What a dialer remembers of another incarnation means nothing in this one.
    const { receive } = hello;
    this.#opened({ ...hello, receive: hello.epoch === this.greeting.epoch ? receive : 0 }, nowMs);
  }

  /** Sends the records that wait, as far as the peer's window goes. */
  flush(nowMs: number): void {
    if (this.#state === "closed") return;
    this.outbox.flush(this.#header(), packet.Kind.data, nowMs);
    if (this.outbox.eased()) this.#effects.room();
  }

  /** The end of a turn in which something was queued. */
  turned(nowMs: number): void {
    this.outbox.turned();
    this.flush(nowMs);
  }

  /** Takes its credit from the peer, or gives it back. What it has sent by then still comes. */
  pause(paused: boolean): void {
    if (this.paused === paused) return;
    this.paused = paused;
    if (this.#state === "up" || this.#state === "stalled") this.#control(packet.Kind.ack);
  }

  /** Takes one packet. @returns why it was not taken, or `undefined` when it was */
  receive(frames: readonly Buffer[], nowMs: number): session.Refusal | undefined {
    const header = frames[0] === undefined ? undefined : packet.readHeader(frames[0]);
    if (header === undefined) return "protocol";
    if (this.#state === "closed") return undefined;
    this.#counts.packetsIn++;
    const { kind } = header;
    if (kind === packet.Kind.lost) return this.lineLost(nowMs);
    if (kind === packet.Kind.reset) return this.#forgotten(nowMs);
    if (kind === packet.Kind.welcome || kind === packet.Kind.refused) {
      return this.#answered(kind, frames[0]?.subarray(packet.HEADER_BYTES), nowMs);
    }
    const current = header.epoch === this.greeting.epoch && this.#wasOpen;
    if (current) return this.#inSession(header, frames, nowMs);
    this.#counts.stale++;
    return undefined;
  }

  /** The connection below ended. What is unacknowledged is kept for when it is back. */
  lineLost(nowMs: number): undefined {
    if (this.#state === "closed") return;
    if (this.#state !== "down") this.#pulse.lost(nowMs);
    this.greeting.lost();
    this.outbox.pause();
    this.#become("down");
    if (this.role === "dialer") this.#hello(nowMs);
  }

  /** Beats, acknowledgements and give-ups; call it every 50 ms or so. */
  tick(nowMs: number): void {
    if (this.#state === "closed") return;
    if (this.#state === "down" || this.#state === "opening") {
      if (this.#wasOpen && this.#pulse.isTooLong(nowMs)) this.#giveUp(nowMs);
      else if (this.role === "dialer" && this.#pulse.wantsHello(nowMs)) this.#hello(nowMs);
      return;
    }
    if (this.#inbox.owes) this.#control(packet.Kind.ack);
    // What does not come after all that asking was given up by a peer that thinks we have it.
    if (this.#inbox.waited() > this.#settings.resumeMs / TICK_MS) this.#end("ack", nowMs);
    if (this.#pulse.asks(nowMs, this.outbox.oldestSentAtMs)) {
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

  #inSession(
    header: packet.Header,
    frames: readonly Buffer[],
    nowMs: number,
  ): session.Refusal | undefined {
    const { kind, seq, ack, window } = header;
    if (!this.outbox.acknowledged(ack, window)) return "ack";
    this.#pulse.heard(nowMs);
    if (this.#state === "stalled") this.#become("up");
    // A dialer that never noticed the silence says no hello: without this we would give it up.
    if (this.#state === "down" && this.role === "acceptor") this.#reopened(nowMs);
    if (kind === packet.Kind.data) return this.#data(seq, frames, nowMs);
    if (kind === packet.Kind.bye) return this.#giveUp(nowMs);
    if (kind === packet.Kind.resend) this.outbox.resendAsked(nowMs);
    else if (kind === packet.Kind.ping) {
      // The peer still waits: our request to send again may have been lost.
      this.#inbox.askAgain();
      this.#control(packet.Kind.pong);
    } else if (kind !== packet.Kind.ack && kind !== packet.Kind.pong) return "kind";
    if (this.#inbox.misses(seq)) this.#control(packet.Kind.resend);
    this.flush(nowMs);
    return undefined;
  }

  #data(seq: number, frames: readonly Buffer[], nowMs: number): session.Refusal | undefined {
    if (!this.#inbox.take(seq, frames)) {
      if (this.#inbox.misses(seq)) this.#control(packet.Kind.resend);
      return undefined;
    }
    const whole = packet.readRecords(frames, this.#deliver);
    // Answers of synchronous handlers leave now, and carry the acknowledgement.
    this.flush(nowMs);
    if (this.#inbox.due) this.#control(packet.Kind.ack);
    // What stands behind the fault was acknowledged with the rest, and is lost: both must know.
    return whole ? undefined : this.#end("records", nowMs);
  }

  /** The peer makes no sense any more: the session begins anew, on both sides. */
  #end(refusal: session.Refusal, nowMs: number): session.Refusal {
    this.#control(packet.Kind.bye);
    this.#giveUp(nowMs);
    return refusal;
  }

  #hello(nowMs: number): void {
    this.#pulse.greeted(nowMs);
    this.#control(packet.Kind.hello, this.greeting.hello(this.#progress()));
  }

  /** The acceptor's answer to a hello. */
  #answered(kind: number, body: Buffer | undefined, nowMs: number): session.Refusal | undefined {
    if (this.role !== "dialer" || body === undefined) return "kind";
    const answer = kind === packet.Kind.welcome ? decodeWelcome(body) : decodeRefused(body);
    if (!this.greeting.isCurrent(answer.attempt)) this.#counts.stale++;
    else if ("reason" in answer) this.#effects.refused(answer.reason);
    else if (this.#state !== "up" || answer.epoch !== this.greeting.epoch) {
      const forgotten = this.#wasOpen && answer.epoch !== this.greeting.epoch;
      this.greeting.welcomed(answer);
      if (forgotten) this.#reset();
      this.#opened(answer, nowMs);
    }
    return undefined;
  }

  #opened(peer: Progress, nowMs: number): void {
    this.#wasOpen = true;
    this.#pulse.heard(nowMs);
    this.outbox.takes(peer.packets);
    this.#pulse.slower(peer.beat);
    this.outbox.acknowledged(peer.receive, peer.window);
    this.#reopened(nowMs);
  }

  /** The line is there again: what is in flight goes once more, then what waits. */
  #reopened(nowMs: number): void {
    this.#inbox.askAgain();
    this.outbox.open();
    this.outbox.resend(nowMs);
    this.#become("up");
    this.flush(nowMs);
  }

  /** The acceptor does not know our line: say hello on it. */
  #forgotten(nowMs: number): session.Refusal | undefined {
    if (this.role !== "dialer") return "kind";
    if (this.#state === "up" || this.#state === "stalled") return this.lineLost(nowMs);
    // Each packet that was on its way brings a reset: one hello answers them all.
    if (this.#pulse.hurries(nowMs)) this.#hello(nowMs);
    return undefined;
  }

  /** The peer is gone for good, or too long: an acceptor ends, a dialer starts from nothing. */
  #giveUp(nowMs: number): undefined {
    if (this.role === "acceptor") {
      this.#become("closed");
      return;
    }
    this.greeting.renew();
    this.#pulse.lost(nowMs);
    this.#pulse.ended();
    this.#wasOpen = false;
    this.outbox.pause();
    this.#become("down");
    this.#reset();
  }

  #reset(): void {
    this.#counts.resets++;
    this.#inbox.reset();
    this.outbox.reset();
    this.#effects.reset();
    if (this.outbox.eased()) this.#effects.room();
  }

  get #window(): number {
    return this.paused ? 0 : this.#settings.windowBytes;
  }

  #progress(): Progress {
    const { windowPackets: packets, beatMs: beat } = this.#settings;
    return { receive: this.#inbox.next, window: this.#window, packets, beat };
  }

  #header(): Omit<packet.Header, "kind" | "seq"> {
    return { epoch: this.greeting.epoch, ack: this.#inbox.next, window: this.#window };
  }

  #control(kind: number, body?: Uint8Array): void {
    this.#inbox.settled();
    this.#emit([packet.controlPacket({ ...this.#header(), kind, seq: this.outbox.next }, body)]);
  }

  #emit(frames: readonly Uint8Array[]): void {
    this.#counts.packetsOut++;
    this.#effects.send(frames);
  }

  #become(state: session.SessionState): void {
    if (this.#state === state) return;
    if (state === "closed") this.outbox.close();
    this.#state = state;
    this.#effects.state(state);
  }
}
