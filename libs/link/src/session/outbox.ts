import {
  after,
  type Cut,
  distance,
  type Header,
  PACKET_BYTES,
  PacketWriter,
  writeHeader,
} from "./packet.ts";

interface Packet extends Cut {
  readonly seq: number;
  readonly sentAtMs: number;
}

const PACKETS_IN_FLIGHT_MAX = 1024;

/**
 * The sending half of a session: records become numbered packets, as many are in flight as the
 * peer's window allows, and each is kept until it is acknowledged.
 */
export class Outbox {
  readonly #writer = new PacketWriter();
  readonly #send: (frames: readonly Uint8Array[], again: boolean) => void;
  #flight: Packet[] = [];
  #flightBytes = 0;
  #waiting: Cut[] = [];
  #waitingBytes = 0;
  #next = 0;
  #window = 0;
  #open = false;
  resent = 0;

  /** @param send puts a packet on the line; `again` is true when it was there before */
  constructor(send: (frames: readonly Uint8Array[], again: boolean) => void) {
    this.#send = send;
  }

  /** The number the next packet gets. */
  get next(): number {
    return this.#next;
  }

  /** Bytes accepted and not yet on their way. */
  get queuedBytes(): number {
    return this.#writer.bytes + this.#waitingBytes;
  }

  get inFlightBytes(): number {
    return this.#flightBytes;
  }

  /** When the oldest unacknowledged packet was sent, or `undefined` when there is none. */
  get oldestSentAtMs(): number | undefined {
    return this.#flight[0]?.sentAtMs;
  }

  /** True when there are records that no packet holds yet. */
  get pending(): boolean {
    return this.#writer.bytes > 0;
  }

  /** Adds a record; true when the open packet is full and wants to be flushed. */
  append(verb: number, body: Uint8Array): boolean {
    this.#writer.append(verb, body);
    return this.#writer.bytes >= PACKET_BYTES;
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
      this.#send(packet.frames, false);
    }
  }

  /** The peer has everything before `ack` and takes `window` bytes more. */
  acknowledged(ack: number, window: number): boolean {
    if (distance(ack, this.#next) > 0) return false;
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

  /** Sends everything in flight again, as it was. */
  resend(nowMs: number): void {
    this.#flight = this.#flight.map((packet) => ({ ...packet, sentAtMs: nowMs }));
    for (const packet of this.#flight) {
      this.resent++;
      this.#send(packet.frames, true);
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

  /** Forgets everything and numbers from 0 again. */
  reset(): void {
    if (this.#writer.bytes > 0) this.#writer.cut();
    this.#flight = [];
    this.#waiting = [];
    this.#flightBytes = 0;
    this.#waitingBytes = 0;
    this.#next = 0;
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
    if (this.#flight.length >= PACKETS_IN_FLIGHT_MAX) return false;
    return this.#flightBytes + bytes <= this.#window;
  }
}
