import type { World } from "@zeroplane/link/testing";
import type { Group } from "../state/owner-core.ts";
import { type ViewChange, ViewCore } from "../state/view-core.ts";
import { SimLine } from "./sim-line.ts";
import { COUNTER, type SimOwner } from "./sim-owner.ts";

const UNDERS = ["", "a/", "b/", "counter"];

/** A viewer, and the owner's side of its session. */
export class SimViewer {
  readonly name: string;
  readonly #world: World;
  readonly #owner: SimOwner<SimViewer>;
  readonly #line: SimLine;
  readonly #under: string;
  #core = new ViewCore<number>();
  #epoch = 0;
  /** What the changes alone lead to. */
  #replica = new Map<string, number>();
  #isViewing = false;
  changes = 0;

  constructor(name: string, world: World, owner: SimOwner<SimViewer>) {
    this.name = name;
    this.#world = world;
    this.#owner = owner;
    this.#line = new SimLine(world);
    this.#under = world.random.pick(UNDERS);
  }

  get isUp(): boolean {
    return this.#line.isUp;
  }

  reset(): void {
    this.#line.reset();
    this.#core.lost();
    this.#isViewing = false;
    this.#owner.gone(this);
  }

  /** The process ends, and another shows the copy that it left on the disk. */
  crash(): void {
    const copy = this.#core.copy();
    this.reset();
    this.#core = new ViewCore();
    if (this.#world.random.chance(0.7)) this.#core.restore(copy);
    this.#replica = new Map(this.#shown());
  }

  connect(): void {
    if (this.#line.isUp) return;
    this.#line.up();
    this.#line.send("there", () => this.#view());
  }

  hear(epoch: number, { version, changes }: Group): void {
    if (!this.#isViewing) return;
    const theirs = changes.filter(([key]) => key.startsWith(this.#under));
    this.#line.send("back", () => {
      if (!this.#core.hasSnapshot) return;
      this.#saw(epoch, version, () => this.#core.delta(version, theirs));
    });
  }

  /** Adds one to the counter, as it is seen here. Somebody else may be quicker. */
  add(): void {
    const seen = this.#core.get(COUNTER);
    if (!this.#core.hasSnapshot || !COUNTER.startsWith(this.#under)) return;
    const { book } = this.#owner;
    book.unsure++;
    this.#line.send("there", () => {
      const isDone = this.#owner.set(COUNTER, (seen?.value ?? 0) + 1, { if: seen?.version ?? 0 });
      this.#line.send("back", () => {
        book.unsure--;
        if (isDone) book.added++;
      });
    });
  }

  /** Sets a key that goes with the session. */
  hold(): void {
    this.#line.send("there", () => {
      this.#owner.setAny(this);
      this.#owner.check();
    });
  }

  check(): void {
    const { book } = this.#owner;
    if (this.#core.version !== book.version || this.#epoch !== book.epoch)
      throw new Error(`${this.name} is at ${this.#core.version}, the owner at ${book.version}`);
  }

  #view(): void {
    const { core, book } = this.#owner;
    this.#isViewing = true;
    const snapshot = {
      epoch: book.epoch,
      version: core.version,
      entries: core.snapshot(this.#under),
    };
    this.#line.send("back", () =>
      this.#saw(snapshot.epoch, snapshot.version, () => this.#core.snapshot(snapshot)),
    );
  }

  #saw(epoch: number, version: number, see: () => ViewChange<number>[]): void {
    const before = this.#core.version;
    if (epoch === this.#epoch && version < before)
      throw new Error(`${this.name} went back from ${before} to ${version}`);
    for (const { key, value } of see()) {
      this.changes++;
      if (value === undefined) this.#replica.delete(key);
      else this.#replica.set(key, value);
    }
    this.#epoch = epoch;
    this.#world.note(`${this.name} is at ${epoch}/${version}`);
    const { book } = this.#owner;
    if (epoch !== book.epoch) return;
    book.checkView(this.name, this.#core.version, this.#under, this.#shown());
    book.checkView(`the reader of ${this.name}`, version, this.#under, this.#replica);
  }

  #shown(): [string, number][] {
    return this.#core.entries().map(([key, { value }]) => [key, value]);
  }
}
