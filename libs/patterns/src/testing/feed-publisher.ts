import type { Host, World } from "@zeroplane/link/testing";
import { PatternError } from "../errors.ts";
import { type FeedStore, History } from "../feed/history.ts";
import type { FeedMessage, Origin } from "../feed/message.ts";
import { PublisherCore } from "../feed/publisher-core.ts";
import { SegmentLog } from "../feed/segment-log.ts";
import type { FeedBook } from "./feed-book.ts";
import { MemoryFiles } from "./memory-files.ts";

/** One life of a simulated publishing process. */
export interface Publishing {
  readonly origin: Origin;
  readonly core: PublisherCore<string>;
}

const TOPICS = ["a.x", "a.y", "b.x", "b.y.z", "c"];
const SMALL_BYTES = 3_000;
const LARGE_BYTES = 1e9;

/** A publisher that is stopped, killed, loses its power and starts again, with a log or without. */
export class FeedPublisher {
  readonly hasLog: boolean;
  readonly #name: string;
  readonly #world: World;
  readonly #book: FeedBook;
  readonly #files: MemoryFiles;
  readonly #isSmall: boolean;
  readonly #newEpoch: () => number;
  /** How the last life has ended, or will unless it is stopped. */
  #end: "stopped" | "killed" | "power" = "killed";
  #store: FeedStore | undefined;
  life: Publishing | undefined;

  constructor(name: string, world: World, of: { book: FeedBook; newEpoch: () => number }) {
    const { random } = world;
    this.#name = name;
    this.#world = world;
    this.#book = of.book;
    this.#newEpoch = of.newEpoch;
    this.#files = new MemoryFiles(random);
    this.hasLog = random.chance(0.6);
    this.#isSmall = random.chance(0.4);
    if (this.#isSmall) this.#book.mayHaveGaps = true;
  }

  /** The process starts, after whatever ended the one before. */
  start(host: Host): Publishing {
    this.#ended();
    this.#files.isFull = false;
    const { life: before } = this;
    this.life = this.hasLog ? this.#withLog(host) : this.#inMemory();
    const { origin, core } = this.life;
    this.#world.note(`${this.#name} is life ${origin.epoch} from ${core.head}`);
    if (this.hasLog && before !== undefined && before.origin.epoch !== origin.epoch)
      throw new Error(`${this.#name} has forgotten its life ${before.origin.epoch}`);
    this.#end = host.random.pick(["killed", "power"]);
    return this.life;
  }

  /** @returns what was put, or nothing when the disk is full */
  put(host: Host): FeedMessage | undefined {
    if (this.life === undefined) return undefined;
    const { core, origin } = this.life;
    const body = Buffer.from(String(host.random.between(0, 1e6)));
    try {
      const about = { headers: {}, atMs: host.nowMs };
      const message = core.put(host.random.pick(TOPICS), body, about);
      this.#book.put(origin, message);
      return message;
    } catch (error) {
      if (error instanceof PatternError && error.code === "ERR_STORE_FULL" && this.#files.isFull)
        return undefined;
      throw error;
    }
  }

  /** The disk has no room, or has some again. */
  full(isFull: boolean): void {
    this.#files.isFull = isFull;
  }

  /** A byte of its files rots while it runs. */
  rot(): void {
    if (this.hasLog && this.#files.rot()) this.#book.mayHaveGaps = true;
  }

  /** The process ends as it should: its log knows that nothing is missing. */
  stop(): void {
    if (!this.#world.isUp(this.#name)) return;
    this.#files.isFull = false;
    this.#store?.close();
    this.#end = "stopped";
    this.#world.crash(this.#name);
  }

  #ended(): void {
    if (this.life === undefined || this.#end === "stopped") return;
    // What was put in the last turn, or is not kept anywhere, may be lost.
    this.#book.mayHaveGaps = true;
    if (this.#end !== "power") return;
    this.#files.crash();
    if (this.#world.random.chance(0.2)) this.#files.rot();
  }

  #inMemory(): Publishing {
    const store = new History(this.#isSmall ? SMALL_BYTES : LARGE_BYTES);
    this.#store = store;
    const origin = { node: this.#name, epoch: this.#newEpoch() };
    return { origin, core: new PublisherCore<string>(store) };
  }

  #withLog({ random }: Host): Publishing {
    const { clock } = this.#world;
    const log = new SegmentLog({
      files: this.#files,
      folder: this.#name,
      node: this.#name,
      newEpoch: this.#newEpoch,
      now: () => clock.nowMs,
      reserve: random.pick([20, 100_000]),
      segmentBytes: random.pick([500, 5_000]),
      bytes: this.#isSmall ? SMALL_BYTES : LARGE_BYTES,
      ageMs: this.#isSmall ? random.pick([2_000, 1e9]) : 1e9,
    });
    this.#store = log;
    return { origin: log.origin, core: new PublisherCore<string>(log, log) };
  }
}
