import type { Session } from "@zeroplane/link";

/** The verb of the link that carries calls. */
export const VERB_RPC = 1;
/** Records from this size on have memory of their own; the link sends them without a copy. */
const IN_PLACE_MAX = 8 * 1024;

/** Memory for one record of `size` bytes: in the packet that is being written, when it is small. */
class Place {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  #isOwn = false;

  take(session: Session, size: number): this {
    this.#isOwn = size > IN_PLACE_MAX;
    this.at = this.#isOwn ? 0 : session.reserve(VERB_RPC, size);
    this.bytes = this.#isOwn ? Buffer.allocUnsafeSlow(size) : session.slab;
    return this;
  }

  send(session: Session, size: number): number {
    const { bytes, at } = this;
    if (this.#isOwn) session.send(VERB_RPC, bytes);
    else session.commit(VERB_RPC, at, size);
    return size;
  }
}

/** One for all records, which are written one after the other. */
export const place = new Place();
