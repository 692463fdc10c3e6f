/** Small enough that one value that is kept long does not hold much beside it. */
const SLAB_BYTES = 4_096;
const SHARE_BYTES = 1_024;

/**
 * Bytes that are kept, several in one piece of memory: a piece for each, made and collected, costs
 * ten times as much. One that is kept longer than its neighbours holds 4 KiB.
 */
export class Slab {
  #piece = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #at = 0;

  /** @returns a copy of `bytes` */
  keep(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > SHARE_BYTES) return new Uint8Array(bytes);
    if (this.#at + length > SLAB_BYTES) {
      this.#piece = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#at = 0;
    }
    const from = this.#at;
    this.#piece.set(bytes, from);
    this.#at += length;
    return new Uint8Array(this.#piece.buffer, from, length);
  }
}
