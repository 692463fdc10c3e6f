import type { World } from "@zeroplane/link/testing";
import { type PipeClass, PipeCore } from "../pipe/pipe-core.ts";

/** A sender whose core is held against the plainest one that keeps the same promise. */
export class SimSender {
  readonly boot: number;
  readonly core: PipeCore;
  readonly #world: World;
  readonly #bytesMax: number;
  readonly #plain: { readonly id: number; readonly bytes: number; readonly rank: PipeClass }[] = [];
  #plainDropped = 0;
  pushed = 0;

  constructor(world: World, boot: number) {
    this.#world = world;
    this.boot = boot;
    this.#bytesMax = world.random.pick([300, 3_000, 100_000]);
    this.core = new PipeCore(this.#bytesMax);
  }

  push(bytes: number): void {
    const { random } = this.#world;
    const rank = random.pick<PipeClass>([0, 0, 1, 2, 3]);
    const id = ++this.pushed;
    const body = Buffer.alloc(bytes);
    body.writeUInt32BE(id);
    this.core.push({ kind: "sim", body, rank });
    if (bytes > this.#bytesMax) {
      this.#plainDropped++;
      return;
    }
    this.#plain.push({ id, bytes, rank });
    this.#trim();
  }

  /** Sends what it can. `offer` says whether one was taken. */
  pump(offer: (head: { seq: number; dropped: number }, id: number) => boolean): void {
    for (;;) {
      const next = this.core.take();
      if (next === undefined) return;
      const id = Buffer.from(next.body).readUInt32BE();
      if (id !== this.#plain[0]?.id) throw new Error(`sends ${id}, not ${this.#plain[0]?.id}`);
      if (offer(next, id)) {
        this.core.accepted();
        this.#plain.shift();
        continue;
      }
      this.core.refused(next);
      return;
    }
  }

  check(): void {
    const { sent, waiting, waitingBytes, dropped } = this.core;
    const droppedInAll = dropped.reduce((sum, count) => sum + count, 0);
    if (waitingBytes > this.#bytesMax) throw new Error(`${waitingBytes} bytes wait`);
    if (waiting !== this.#plain.length || droppedInAll !== this.#plainDropped)
      throw new Error(`${waiting} wait and ${droppedInAll} are gone, not ${this.#plainDropped}`);
    if (this.pushed !== sent + waiting + droppedInAll)
      throw new Error(`${this.pushed} pushed, ${sent} sent, ${waiting} wait, ${droppedInAll} gone`);
  }

  /** The oldest of the lowest class goes, one by one. */
  #trim(): void {
    const sum = (): number => this.#plain.reduce((total, { bytes }) => total + bytes, 0);
    while (sum() > this.#bytesMax) {
      const lowest = Math.min(...this.#plain.map(({ rank }) => rank));
      this.#plain.splice(
        this.#plain.findIndex(({ rank }) => rank === lowest),
        1,
      );
      this.#plainDropped++;
    }
  }
}
