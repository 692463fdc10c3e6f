import { LinkError } from "../errors.ts";
import {
  after,
  type Cut,
  distance,
  type Header,
  PACKET_BYTES,
  PacketWriter,
  writeHeader,
} from "./packet.ts";
import type { SessionStats } from "./settings.ts";

interface Packet extends Cut {
  readonly seq: number;
  readonly sentAtMs: number;
}

/** What an outbox asks of the session around it. */
interface Around {
  /** Puts a packet on the line; `again` is true when it was there before. */
  send(frames: readonly Uint8Array[], again: boolean): void;
  /** A record waits: `turned` is to be called at the end of this turn. */
  schedule(): void;
  /** Name of the other side, for messages. */
  peer(): string;
}

type OutboxStats = Pick<
  SessionStats,
  "resent" | "queuedBytes" | "inFlightBytes" | "inFlightPackets" | "creditBytes"
>;

/**
 * The first packet of a turn leaves early, so that the peer has work while this side still writes;
 * each further one may be twice as long, because a packet costs the same whatever is in it. Records
 * are counted rather than bytes: who answers 256 records writes as many, so that one packet begets
 * one, where a limit in bytes would break it in two whenever the answers are longer.
 */
const FIRST_CUT_RECORDS = 256;
const FIRST_CUT_BYTES = 16 * 1024;
const ASKED_AGAIN_MS = 50;
/** While no more than this waits, a sender may go on without a thought. */
const ROOM_BYTES = 1024 * 1024;

/**
 * The sending half of a session: records become numbered packets, as many are in flight as the
 * peer's window allows, and each is kept until it is acknowledged.
 */
export class Outbox {
  readonly #writer = new PacketWriter();
  readonly #queueBytesMax: number;
  readonly #around: Around;
  #flight: Packet[] = [];
  #flightBytes = 0;
  #waiting: Cut[] = [];
  #waitingBytes = 0;
  #next = 0;
  #window = 0;
  #packetsMax = 0;
  #open = false;
  #isCrowded = false;
  #isClosed = false;
  #isScheduled = false;
  #cutBytes = FIRST_CUT_BYTES;
  #cutRecords = FIRST_CUT_RECORDS;
  #askedFrom: number | undefined;
  #askedAtMs = 0;
  #resent = 0;

  /** @param queueBytesMax bytes that may wait */
  constructor(queueBytesMax: number, around: Around) {
    this.#queueBytesMax = queueBytesMax;
    this.#around = around;
  }

  /** The number the next packet gets. */
  get next(): number {
    return this.#next;
  }

  stats(): OutboxStats {
    return {
      resent: this.#resent,
      queuedBytes: this.#queuedBytes,
      inFlightBytes: this.#flightBytes,
      inFlightPackets: this.#flight.length,
      creditBytes: Math.max(0, this.#window - this.#flightBytes),
    };
  }

  /** True when everything was acknowledged and nothing waits. */
  get isEmpty(): boolean {
    return this.#flight.length === 0 && this.#queuedBytes === 0;
  }

  /** True while few bytes wait. */
  get hasRoom(): boolean {
    return this.#queuedBytes <= Math.min(ROOM_BYTES, this.#queueBytesMax / 2);
  }

  /** True, once, when few bytes wait after there were many. */
  eased(): boolean {
    if (!this.#isCrowded || !this.hasRoom) return false;
    this.#isCrowded = false;
    return true;
  }

  /** When the oldest unacknowledged packet was sent, or `undefined` when there is none. */
  get oldestSentAtMs(): number | undefined {
    return this.#flight[0]?.sentAtMs;
  }

  /** True when there are records that no packet holds yet. */
  get pending(): boolean {
    return this.#writer.bytes > 0;
  }

  /** Where reserved records are written. */
  get slab(): Buffer {
    return this.#writer.slab;
  }

  /**
   * Queues one record.
   * @returns true when `flush` should be called now, besides at the end of the turn
   * @throws LinkError ERR_LINK_CLOSED, or ERR_LINK_OVERLOADED beyond `queueBytesMax`
   */
  append(verb: number, body: Uint8Array): boolean {
    this.#admit(body.length);
    this.#writer.append(verb, body);
    return this.committed();
  }

  /** As {@link append}, for `sizeBytes` that the caller writes into `slab`, at what this gives. */
  reserve(verb: number, sizeBytes: number): number {
    this.#admit(sizeBytes);
    return this.#writer.reserve(verb, sizeBytes);
  }

  /** What was reserved is written. @returns as {@link append} */
  committed(): boolean {
    if (!this.#isScheduled) this.#around.schedule();
    this.#isScheduled = true;
    if (!this.hasRoom) this.#isCrowded = true;
    const { bytes, records } = this.#writer;
    if (bytes < this.#cutBytes && records < this.#cutRecords) return false;
    this.#cutRecords *= 2;
    this.#cutBytes = Math.min(PACKET_BYTES, this.#cutBytes * 2);
    return true;
  }

  /** A turn of the loop has ended: the next one's first packet is a small one again. */
  turned(): void {
    this.#isScheduled = false;
    this.#cutBytes = FIRST_CUT_BYTES;
    this.#cutRecords = FIRST_CUT_RECORDS;
  }

  /** Sends what the window allows. `header` gives the current epoch, ack and own window. */
  flush(header: Omit<Header, "kind" | "seq">, kind: number, nowMs: number): void {
    while (this.#cut()) {
      const [next] = this.#waiting;
      if (next === undefined || !this.#open || !this.#fits(next.bytes)) return;
      this.#waiting.shift();
      this.#waitingBytes -= next.bytes;
      const packet = { ...next, seq: this.#next, sentAtMs: nowMs };
      this.#next = after(this.#next);
      writeHeader(packet.frames[0], { ...header, kind, seq: packet.seq });
      this.#flight.push(packet);
      this.#flightBytes += packet.bytes;
      this.#around.send(packet.frames, false);
    }
  }

  /** The peer takes this many packets before it has acknowledged them, at least one. */
  takes(packets: number): void {
    this.#packetsMax = Math.max(1, packets);
  }

  /**
   * The peer has everything before `ack` and takes `window` bytes more. What was overtaken by a
   * later acknowledgement, or is sent again from before it, says nothing new.
   * @returns false when so much was never sent
   */
  acknowledged(ack: number, window: number): boolean {
    if (distance(ack, this.#next) > 0) return false;
    if (distance(ack, this.#flight[0]?.seq ?? this.#next) < 0) return true;
    this.#window = window;
    let done = 0;
    for (const packet of this.#flight) {
      if (distance(packet.seq, ack) >= 0) break;
      this.#flightBytes -= packet.bytes;
      done++;
    }
    if (done > 0) this.#flight.splice(0, done);
    return true;
  }

  /**
   * Sends everything in flight again, as it was, because the peer asks. It asks once for each hole
   * and beat: who asks for the same again and again would fill the memory of a line it never reads.
   */
  resendAsked(nowMs: number): void {
    const from = this.#flight[0]?.seq;
    if (from === this.#askedFrom && nowMs - this.#askedAtMs < ASKED_AGAIN_MS) return;
    this.#askedFrom = from;
    this.#askedAtMs = nowMs;
    this.resend(nowMs);
  }

  /** Sends everything in flight again, as it was. */
  resend(nowMs: number): void {
    this.#flight = this.#flight.map((packet) => ({ ...packet, sentAtMs: nowMs }));
    for (const packet of this.#flight) {
      this.#resent++;
      this.#around.send(packet.frames, true);
    }
  }

  /** The line is there: sending may go on. */
  open(): void {
    this.#open = true;
  }

  /** The line is away: nothing is sent until `open`. */
  pause(): void {
    this.#open = false;
  }

  /** Nothing is taken any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Forgets everything and numbers from 0 again. */
  reset(): void {
    if (this.#writer.bytes > 0) this.#writer.cut();
    this.#flight = [];
    this.#waiting = [];
    this.#flightBytes = 0;
    this.#waitingBytes = 0;
    this.#next = 0;
  }

  #admit(bytes: number): void {
    if (this.#isClosed) {
      throw new LinkError("ERR_LINK_CLOSED", `the session with ${this.#around.peer()} is closed`);
    }
    if (this.#queuedBytes + bytes <= this.#queueBytesMax) return;
    this.#isCrowded = true;
    const limit = `${this.#queueBytesMax} bytes wait for ${this.#around.peer()}`;
    throw new LinkError("ERR_LINK_OVERLOADED", `${limit}; slow down or try later`);
  }

  get #queuedBytes(): number {
    return this.#writer.bytes + this.#waitingBytes;
  }

  /** Ends the open packet when nothing waits before it or it is full; true when any waits. */
  #cut(): boolean {
    const { bytes } = this.#writer;
    if (bytes > 0 && (this.#waiting.length === 0 || bytes >= PACKET_BYTES)) {
      const cut = this.#writer.cut();
      this.#waiting.push(cut);
      this.#waitingBytes += cut.bytes;
    }
    return this.#waiting.length > 0;
  }

  #fits(bytes: number): boolean {
    if (this.#flight.length === 0) return this.#window > 0;
    if (this.#flight.length >= this.#packetsMax) return false;
    return this.#flightBytes + bytes <= this.#window;
  }
}
