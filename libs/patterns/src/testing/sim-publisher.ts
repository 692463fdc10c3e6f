import type { World } from "@zeroplane/link/testing";
import type { FeedStore } from "../feed/history.ts";
import { History } from "../feed/history.ts";
import type { FeedMessage, Origin } from "../feed/message.ts";
import { PublisherCore } from "../feed/publisher-core.ts";
import { SegmentLog } from "../feed/segment-log.ts";
import type { PublishedBook } from "./feed-book.ts";
import { MemoryFiles } from "./memory-files.ts";

/** One life of a simulated publisher. */
export interface Life {
  readonly core: PublisherCore;
  readonly store: FeedStore;
  readonly origin: Origin;
}

const TOPICS = ["a.x", "a.y", "b.x", "b.y", "c"];
const SMALL_BYTES = 3_000;
const LARGE_BYTES = 1e9;

/** A publisher that is stopped, crashes and starts again, with a log or without. */
export class SimPublisher {
  readonly hasLog: boolean;
  readonly #files: MemoryFiles;
  readonly #world: World;
  readonly #book: PublishedBook;
  readonly #isSmall: boolean;
  #deferred: (() => void)[] = [];
  #epochs = 0;
  life: Life | undefined;

  constructor(world: World, book: PublishedBook) {
    this.#world = world;
    this.#book = book;
    this.#files = new MemoryFiles(world.random);
    this.hasLog = world.random.chance(0.6);
    this.#isSmall = world.random.chance(0.3);
    if (this.#isSmall) book.mayHaveGaps = true;
    this.start();
  }

  start(): void {
    this.#files.isFull = false;
    this.life = this.hasLog ? this.#withLog() : this.#inMemory();
    this.#world.note(`publisher starts at ${this.life.core.head}`);
  }

  /** @returns what was put, or `undefined` when the disk was full */
  put(): FeedMessage | undefined {
    const { life } = this;
    if (life === undefined) return;
    const { random, clock } = this.#world;
    const content = {
      topic: random.pick(TOPICS),
      headers: {},
      body: Buffer.from(`${random.next()}`),
    };
    try {
      const message = life.core.put({ ...content, atMs: clock.nowMs });
      this.#book.published(life.origin.epoch, message);
      return message;
    } catch (error) {
      if (this.#files.isFull) return undefined;
      throw error;
    }
  }

  /** It ends properly, or, when its disk is full, as it can. */
  stop(): void {
    if (!this.hasLog) this.#book.mayHaveGaps = true;
    this.#files.isFull = false;
    this.life?.store.close();
    this.#deferred = [];
    this.life = undefined;
    this.#world.note("publisher stops");
  }

  /** The power goes. Its log may be damaged besides. */
  crash(): void {
    this.#book.mayHaveGaps = true;
    this.#deferred = [];
    this.#files.isFull = false;
    this.#files.crash();
    const { random } = this.#world;
    if (random.chance(0.2)) this.#files.rot();
    this.life = undefined;
    this.#world.note("publisher crashes");
  }

  full(isFull: boolean): void {
    this.#files.isFull = isFull;
  }

  #inMemory(): Life {
    const store = new History(this.#isSmall ? SMALL_BYTES : LARGE_BYTES);
    const origin = { node: "publisher", epoch: ++this.#epochs };
    return { store, origin, core: new PublisherCore(store) };
  }

  #withLog(): Life {
    const { clock, random } = this.#world;
    const store = new SegmentLog({
      files: this.#files,
      node: "publisher",
      newEpoch: () => ++this.#epochs,
      now: () => clock.nowMs,
      segmentBytes: random.pick([500, 5_000]),
      bytesMax: this.#isSmall ? SMALL_BYTES : LARGE_BYTES,
      defer: (run) => this.#defer(run),
    });
    return { store, origin: store.origin, core: new PublisherCore(store, store) };
  }

  #defer(run: () => void): void {
    this.#deferred.push(run);
    this.#world.clock.after(this.#world.random.between(0, 3), () => {
      for (const each of this.#deferred.splice(0)) each();
    });
  }
}
