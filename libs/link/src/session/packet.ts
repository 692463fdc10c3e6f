/**
 * A packet is one ZeroMQ message: a frame of header and records, then one frame for each large body.
 *
 *     0      1      2       4       8       12       16
 *     | 0xc1 | kind | epoch | seq   | ack   | window | record, record, …
 *
 * `seq` numbers DATA packets of a session from 0; on other kinds it is the next number the sender
 * will use, so that a lost last packet is noticed. `ack` is the next number expected from the
 * other side. `window` is how many bytes beyond `ack` the sender of the header will take. `epoch`
 * tells incarnations of one session apart. Big-endian throughout.
 *
 * A record is a u32, verb in its upper 5 bits after one flag bit, length in the lower 26, and the
 * body; with the flag set the number is the index of the frame that holds the body instead.
 *
 *     | large 1 | verb 5 | length or frame 26 | body …
 */
export const HEADER_BYTES = 16;
const MAGIC = 0xc1;
const LARGE = 0x80000000;
const LENGTH_MASK = 0x03ffffff;
const VERB_SHIFT = 26;

/** Bodies from this size on travel as frames of their own and are never copied. */
export const LARGE_BYTES = 16 * 1024;
/** A packet is cut when its records reach this size. */
export const PACKET_BYTES = 32 * 1024;

/**
 * Messages that libzmq may hold of one line. Credit keeps an honest peer far below: 1 024 packets,
 * the same once more after a loss, and a few words. Who asks and never reads reaches it.
 */
export const LINE_MESSAGES_MAX = 4_096;

export const Kind = {
  hello: 1,
  welcome: 2,
  data: 3,
  ack: 4,
  /** As `ack`, and asks for everything from `ack` on to be sent again. */
  resend: 5,
  ping: 6,
  pong: 7,
  bye: 8,
  /** "I do not know this session": the dialer says hello again. */
  reset: 9,
  /** Never travels: libzmq's own word that a connection ended. */
  lost: 10,
  /** The answer to a hello that is not welcome, with the reason. */
  refused: 11,
} as const;

/** What the header of a packet says. */
export interface Header {
  readonly kind: number;
  readonly epoch: number;
  readonly seq: number;
  readonly ack: number;
  readonly window: number;
}

/** Writes `header` over the first 16 bytes of `bytes`. */
export function writeHeader(bytes: Buffer, header: Header): void {
  bytes[0] = MAGIC;
  bytes[1] = header.kind;
  bytes.writeUInt16BE(header.epoch, 2);
  bytes.writeUInt32BE(header.seq, 4);
  bytes.writeUInt32BE(header.ack, 8);
  bytes.writeUInt32BE(header.window, 12);
}

/** The header of a frame, or `undefined` when it has none. */
export function readHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) return undefined;
  return {
    kind: bytes[1] ?? 0,
    epoch: bytes.readUInt16BE(2),
    seq: bytes.readUInt32BE(4),
    ack: bytes.readUInt32BE(8),
    window: bytes.readUInt32BE(12),
  };
}

/** A packet that is a header and, for HELLO and WELCOME, a body. */
export function controlPacket(header: Header, body?: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + (body?.length ?? 0));
  writeHeader(bytes, header);
  if (body !== undefined) bytes.set(body, HEADER_BYTES);
  return bytes;
}

const none = { epoch: 0, seq: 0, ack: 0, window: 0 };

/** What libzmq itself delivers when a connection ends. */
export const LOST = controlPacket({ ...none, kind: Kind.lost });
/** What libzmq itself sends when a connection begins; the answer to it is a reset. */
export const KNOCK = controlPacket({ ...none, kind: Kind.ping });
/** What a listener answers to packets of a session that it does not know. */
export const RESET = controlPacket({ ...none, kind: Kind.reset });
/** What a listener answers to a hello that is not welcome. */
export const refusedPacket = (body: Uint8Array): Buffer =>
  controlPacket({ ...none, kind: Kind.refused }, body);

/** `a - b` of two u32 numbers that may have wrapped. */
export const distance = (a: number, b: number): number => (a - b) | 0;

/** The number after `seq`. */
export const after = (seq: number): number => (seq + 1) >>> 0;

/** A packet cut from a writer, not yet numbered. */
export interface Cut {
  readonly frames: readonly [Buffer, ...Uint8Array[]];
  readonly bytes: number;
}

/** Below this a loop is quicker than a call of `set`. */
const COPIED_BY_HAND_BYTES_MAX = 48;
const SLAB_BYTES_MIN = 1024;
const SLAB_BYTES_MAX = 64 * 1024;

/**
 * Collects records into packets. Memory handed out is never written again, because libzmq sends
 * it without a copy; slabs grow from 1 KiB to 64 KiB with the traffic, so an idle peer costs little.
 */
export class PacketWriter {
  slab = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #large: Uint8Array[] = [];
  #largeBytes = 0;
  #records = 0;

  /** Records of the open packet. */
  get records(): number {
    return this.#records;
  }

  /** Bytes of the open packet, 0 when it has no record. */
  get bytes(): number {
    return this.#end - this.#start + this.#largeBytes;
  }

  /** Adds one record. A body of 16 KiB or more must not be changed afterwards. */
  append(verb: number, body: Uint8Array): void {
    if (body.length >= LARGE_BYTES) {
      this.#writeHead(verb, LARGE + this.#attach(body), 0);
      return;
    }
    const at = this.reserve(verb, body.length);
    if (body.length > COPIED_BY_HAND_BYTES_MAX) this.slab.set(body, at);
    else for (let i = 0; i < body.length; i++) this.slab[at + i] = body[i] as number;
  }

  /** Adds one record of `size` bytes, under 16 KiB. @returns where in `slab` its body goes */
  reserve(verb: number, size: number): number {
    this.#writeHead(verb, size, size);
    const at = this.#end;
    this.#end += size;
    return at;
  }

  /** Ends the open packet; its first 16 bytes are left for the header. */
  cut(): Cut {
    const cut: Cut = {
      frames: [this.slab.subarray(this.#start, this.#end), ...this.#large],
      bytes: this.bytes,
    };
    this.#start = this.#end;
    this.#large = [];
    this.#largeBytes = 0;
    this.#records = 0;
    return cut;
  }

  /** A body that travels as a frame of its own. @returns the number of the frame */
  #attach(body: Uint8Array): number {
    this.#largeBytes += body.length;
    return this.#large.push(body);
  }

  #writeHead(verb: number, length: number, size: number): void {
    this.#records++;
    this.#makeRoom(4 + size);
    this.slab.writeUInt32BE((length + verb * 2 ** VERB_SHIFT) >>> 0, this.#end);
    this.#end += 4;
  }

  #makeRoom(size: number): void {
    const isNew = this.#end === this.#start;
    const need = size + (isNew ? HEADER_BYTES : 0);
    if (this.#end + need > this.slab.length) this.#nextSlab(need);
    if (isNew) this.#end += HEADER_BYTES;
  }

  #nextSlab(need: number): void {
    const used = this.#end - this.#start;
    const grown = Math.min(SLAB_BYTES_MAX, Math.max(SLAB_BYTES_MIN, this.slab.length * 2));
    const slab = Buffer.allocUnsafeSlow(Math.max(grown, (used + need) * 2));
    this.slab.copy(slab, 0, this.#start, this.#end);
    this.slab = slab;
    this.#start = 0;
    this.#end = used;
  }
}

/** Takes one record: the body lies in `bytes` from `start` up to `end`. */
export type DeliverRecord = (verb: number, bytes: Buffer, start: number, end: number) => void;

/**
 * Reads the records of a packet in order.
 * @returns false when the packet is not well formed; records before the fault were delivered
 */
export function readRecords(frames: readonly Buffer[], deliver: DeliverRecord): boolean {
  const [first] = frames;
  if (first === undefined) return false;
  let at = HEADER_BYTES;
  while (at + 4 <= first.length) {
    const word = first.readUInt32BE(at);
    at += 4;
    const verb = (word >>> VERB_SHIFT) & 31;
    const length = word & LENGTH_MASK;
    if (word >= LARGE) {
      const body = frames[length];
      if (body === undefined || length === 0) return false;
      deliver(verb, body, 0, body.length);
    } else {
      if (at + length > first.length) return false;
      deliver(verb, first, at, at + length);
      at += length;
    }
  }
  return at === first.length;
}
