/** A record of a simulated conversation: which stream, and the how manieth of it. */
interface Stamp {
  readonly stream: number;
  readonly index: number;
}

/** What was promised was not kept. */
function broken(what: string): never {
  throw new Error(what);
}

/**
 * Who sent what and who has it. A stream is what one side sends between two resets; it must arrive
 * from its beginning, in order and once, and all of it when nothing more goes wrong.
 */
export class Ledger {
  readonly #sent: number[] = [];
  readonly #got: number[] = [];

  /** Records sent in all. */
  get records(): number {
    return this.#sent.reduce((sum, count) => sum + count, 0);
  }

  /** Begins a stream. */
  open(): Outgoing {
    const stream = this.#sent.push(0) - 1;
    this.#got.push(0);
    return new Outgoing(stream, this.#sent);
  }

  /** The receiving end of one side. */
  reader(name: string): Incoming {
    return new Incoming(name, this.#got);
  }

  /** Records of `stream` that were sent and have not arrived. */
  missing(stream: number): number {
    return (this.#sent[stream] ?? 0) - (this.#got[stream] ?? 0);
  }
}

const STAMP_BYTES = 12;

/** The byte that a record is filled with, so that a part of another one shows. */
const filling = (stream: number, index: number): number => (stream * 31 + index * 7) & 0xff;

function isWhole(body: Buffer, { stream, index }: Stamp): boolean {
  if (body.length < STAMP_BYTES || body.readUInt32BE(8) !== body.length) return false;
  const expected = filling(stream, index);
  const rest = body.subarray(STAMP_BYTES);
  return [0, rest.length >> 1, rest.length - 1].every((at) => (rest[at] ?? expected) === expected);
}

/** One stream being sent. */
export class Outgoing {
  readonly stream: number;
  readonly #sent: number[];

  constructor(stream: number, sent: number[]) {
    this.stream = stream;
    this.#sent = sent;
  }

  /** The next record, `sizeBytes` or at least 12 bytes long; it counts once `accepted` is called. */
  next(sizeBytes: number): Buffer {
    const index = this.#sent[this.stream] ?? 0;
    const body = Buffer.alloc(Math.max(STAMP_BYTES, sizeBytes), filling(this.stream, index));
    body.writeUInt32BE(this.stream, 0);
    body.writeUInt32BE(index, 4);
    body.writeUInt32BE(body.length, 8);
    return body;
  }

  accepted(): void {
    this.#sent[this.stream] = (this.#sent[this.stream] ?? 0) + 1;
  }
}

/** What one side receives, checked record by record. */
export class Incoming {
  readonly #name: string;
  readonly #got: number[];
  readonly #over = new Set<number>();
  #last: Stamp | undefined;

  constructor(name: string, got: number[]) {
    this.#name = name;
    this.#got = got;
  }

  /** Takes a record. @throws Error when it is not the one that may come now */
  take(body: Buffer): void {
    const stamp = { stream: body.readUInt32BE(0), index: body.readUInt32BE(4) };
    const here = `${this.#name} got record ${stamp.index} of stream ${stamp.stream}`;
    if (!isWhole(body, stamp)) broken(`${here}, which is not what was sent`);
    if (this.#over.has(stamp.stream)) broken(`${here}, which ended with a reset`);
    if (this.#last !== undefined && this.#last.stream !== stamp.stream) {
      broken(`${here} within stream ${this.#last.stream} and without a reset`);
    }
    const expected = this.#last === undefined ? 0 : this.#last.index + 1;
    if (stamp.index !== expected) broken(`${here} instead of ${expected}`);
    this.#last = stamp;
    this.#got[stamp.stream] = stamp.index + 1;
  }

  /** This side was told that the peer begins anew. */
  reset(): void {
    if (this.#last !== undefined) this.#over.add(this.#last.stream);
    this.#last = undefined;
  }
}
