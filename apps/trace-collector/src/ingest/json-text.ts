const FIRST_BYTES = 4_096;
const ROOM_MAX = 4 * 1024 * 1024;
const QUOTE = 0x22;
const ZERO = 0x30;
const DIGITS_MAX = 10;
/** By its code: 1 for what stands for itself within a JSON string. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, code) =>
  code >= 0x20 && code < 0x7f && code !== QUOTE && code !== 0x5c ? 1 : 0,
);

/** A part of what was written. */
export interface JsonPart {
  readonly of: JsonText;
  readonly from: number;
  readonly to: number;
}

/** JSON as it is written, in bytes: what comes as bytes never becomes a string. */
export class JsonText {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Bytes written so far; less than before takes back what is beyond. */
  length = 0;

  /** JSON, as it is. */
  json(text: string): void {
    this.#reserve(3 * text.length);
    if (text.length === 1) this.#bytes[this.length++] = text.charCodeAt(0);
    else this.length += this.#bytes.write(text, this.length);
  }

  /** JSON that was written elsewhere. */
  copy({ of, from, to }: JsonPart): void {
    this.#reserve(to - from);
    of.#bytes.copy(this.#bytes, this.length, from, to);
    this.length += to - from;
  }

  /** A string, of the UTF-8 from `from` to `to` of `source`. */
  string(source: Buffer, from: number, to: number): void {
    this.#reserve(to - from + 2);
    const bytes = this.#bytes;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = from; i < to; i++) {
      const code = source[i] as number;
      if (PLAIN[code] === 0) return this.json(JSON.stringify(source.toString("utf8", from, to)));
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  /** A number that JSON knows; others are null. */
  number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < 1e9) this.#digits(value);
    else this.json(JSON.stringify(value));
  }

  /** Begins again; more room than is usual is given back. */
  clear(): void {
    this.length = 0;
    if (this.#bytes.length > ROOM_MAX) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** What was written from `from` to `to`; not a copy. */
  slice(from = 0, to = this.length): Buffer {
    return this.#bytes.subarray(from, to);
  }

  /** The value of what was written from `from` to `to`. */
  parsed(from = 0, to = this.length): unknown {
    return JSON.parse(this.#bytes.toString("utf8", from, to));
  }

  #digits(value: number): void {
    this.#reserve(DIGITS_MAX);
    let count = 1;
    for (let rest = value; rest >= 10; rest = (rest / 10) | 0) count++;
    let rest = value;
    for (let at = this.length + count - 1; at >= this.length; at--) {
      const next = (rest / 10) | 0;
      this.#bytes[at] = ZERO + rest - 10 * next;
      rest = next;
    }
    this.length += count;
  }

  #reserve(room: number): void {
    const { length } = this;
    if (length + room <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, length + room));
    larger.set(this.#bytes.subarray(0, length));
    this.#bytes = larger;
  }
}
