const SLOTS = 1_024;
const BYTES_MAX = 96;

/** Short texts that come again and again: a text is made of its bytes once, while its place is not taken by another. */
export class Names {
  readonly #texts = Array.from({ length: SLOTS }, () => "");

  /** The UTF-8 from `from` to `to` of `bytes`. */
  of(bytes: Buffer, from: number, to: number): string {
    if (to - from > BYTES_MAX) return bytes.toString("utf8", from, to);
    let hash = to - from;
    for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
    const slot = (hash ^ (hash >>> 13)) & (SLOTS - 1);
    const known = this.#texts[slot] as string;
    if (isText(known, bytes, from, to)) return known;
    const text = bytes.toString("utf8", from, to);
    this.#texts[slot] = text;
    return text;
  }
}

/** True for ASCII only: other text is never found to be known. */
function isText(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80 || text.charCodeAt(at - from) !== byte) return false;
  }
  return true;
}
