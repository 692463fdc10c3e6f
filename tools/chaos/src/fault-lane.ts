import type { Socket } from "node:net";
import type { Random } from "@zeroplane/link/testing";

/** What a lane does to the bytes that pass. All off is a plain proxy. */
export interface Faults {
  /** Each byte waits this long, milliseconds. */
  readonly delayMs: number;
  /** The wait varies by up to this much either way; order is kept. */
  readonly jitterMs: number;
  /** Bytes a second and direction, 0 for no limit. */
  readonly bytesPerSecond: number;
  /** How likely one byte of a chunk is flipped, 0 to 1. */
  readonly corruption: number;
  /** Which way bytes are flipped. */
  readonly corrupts: Direction | "both";
}

/** Which way bytes go. */
export type Direction = "toTarget" | "toClient";

/** What happened so far, on every connection of a proxy. */
export interface LaneCounts {
  /** Bytes passed on. */
  readonly bytes: Record<Direction, number>;
  /** Chunks that had to wait. */
  delayed: number;
  /** Chunks with a flipped bit. */
  corrupted: number;
  /** Bytes that vanished. */
  swallowed: number;
}

/** What the lanes of a proxy share. */
export interface LaneRules {
  readonly faults: Faults;
  readonly swallows: ReadonlySet<Direction>;
  readonly random: Random;
  readonly counts: LaneCounts;
}

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** Bytes that may wait in a lane; beyond them nothing more is read. */
export const LANE_BYTES_MAX = 1024 * 1024;
/** A slow lane forwards pieces of this size, as a network does. */
const PIECE_BYTES = 1_400;
/** What a slow lane may catch up after a late timer. */
const BURST_MS = 10;

/** One direction of one connection. Bytes keep their order. */
export class Lane {
  readonly #direction: Direction;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #rules: LaneRules;
  #queue: Piece[] = [];
  #queuedBytes = 0;
  #freeAtMs = 0;
  #ending = false;
  #holed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(direction: Direction, ends: { from: Socket; to: Socket }, rules: LaneRules) {
    this.#direction = direction;
    this.#from = ends.from;
    this.#to = ends.to;
    this.#rules = rules;
    this.#from.on("data", (bytes) => this.#take(bytes));
    this.#from.once("end", () => this.#end());
    this.#to.on("drain", () => this.#pump());
  }

  /** True when bytes or the end of the stream are gone: it can never be continued. */
  get holed(): boolean {
    return this.#holed;
  }

  get #swallows(): boolean {
    return this.#rules.swallows.has(this.#direction);
  }

  /** Takes up a change of the faults: what waits may be due earlier, or gone. */
  refresh(): void {
    if (this.#swallows && this.#queuedBytes > 0) {
      this.#swallow(this.#queuedBytes);
      this.#queue = [];
      this.#queuedBytes = 0;
    }
    this.#freeAtMs = 0;
    this.#pump();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue = [];
  }

  #take(bytes: Buffer): void {
    if (this.#swallows) {
      this.#swallow(bytes.length);
      return;
    }
    this.#corrupt(bytes);
    this.#enqueue(bytes);
    this.#pump();
  }

  #corrupt(bytes: Buffer): void {
    const { faults, random, counts } = this.#rules;
    const mayBe = faults.corrupts === "both" || faults.corrupts === this.#direction;
    if (!mayBe || !random.chance(faults.corruption)) return;
    counts.corrupted++;
    const at = random.between(0, bytes.length - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.between(0, 7));
  }

  #swallow(bytes: number): void {
    this.#rules.counts.swallowed += bytes;
    this.#holed = true;
  }

  #enqueue(bytes: Buffer): void {
    const { delayMs, jitterMs, bytesPerSecond } = this.#rules.faults;
    const dueMs =
      delayMs + jitterMs > 0
        ? performance.now() + Math.max(0, delayMs + this.#rules.random.between(-jitterMs, jitterMs))
        : 0;
    if (dueMs > 0 || bytesPerSecond > 0) this.#rules.counts.delayed++;
    const size = bytesPerSecond > 0 ? PIECE_BYTES : bytes.length;
    for (let at = 0; at < bytes.length; at += size) {
      this.#queue.push({ bytes: bytes.subarray(at, at + size), dueMs });
    }
    this.#queuedBytes += bytes.length;
  }

  /** Forwards what is due, and arranges for the rest. */
  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const nowMs = performance.now();
    let [piece] = this.#queue;
    while (piece !== undefined && !this.#to.writableNeedDrain && this.#dueMs(piece) <= nowMs) {
      this.#forward(piece, nowMs);
      [piece] = this.#queue;
    }
    if (piece === undefined) this.#finish();
    else if (!this.#to.writableNeedDrain) this.#wait(this.#dueMs(piece) - nowMs);
    if (this.#queuedBytes < LANE_BYTES_MAX) this.#from.resume();
    else this.#from.pause();
  }

  #dueMs(piece: Piece): number {
    return Math.max(piece.dueMs, this.#freeAtMs);
  }

  #forward(piece: Piece, nowMs: number): void {
    this.#queue.shift();
    this.#queuedBytes -= piece.bytes.length;
    const { faults, counts } = this.#rules;
    if (faults.bytesPerSecond > 0) {
      const takesMs = (piece.bytes.length * 1_000) / faults.bytesPerSecond;
      this.#freeAtMs = Math.max(this.#freeAtMs, nowMs - BURST_MS) + takesMs;
    }
    counts.bytes[this.#direction] += piece.bytes.length;
    this.#to.write(piece.bytes);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#pump(), ms);
  }

  #end(): void {
    if (this.#swallows) this.#holed = true;
    else {
      this.#ending = true;
      this.#pump();
    }
  }

  #finish(): void {
    if (this.#ending && !this.#to.writableEnded) this.#to.end();
  }
}
