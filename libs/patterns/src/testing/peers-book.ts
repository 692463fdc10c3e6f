import type { Peer } from "../peers/peer.ts";
import type { PeersCore } from "../peers/peers-core.ts";

/** One simulated process, as it truly is. */
export interface Truth {
  readonly core: PeersCore;
  readonly at: string;
  readonly offers: Map<string, string>;
  readonly load: number;
  /** Every peer, as its events have told. */
  readonly told: Map<string, Peer["state"]>;
  /** When its loop last ran. */
  aliveMs: number;
  /** When it last began to run again after it had stood still. */
  wokeMs: number;
}

/** A loop that has not run for so long stands still. */
const STANDS_MS = 50;

/** How long a peer may be shown as what it is no more. */
export interface Bounds {
  /** After its process ended. */
  readonly downMs: number;
  /** After its loop was blocked. */
  readonly stalledMs: number;
}

/** What each process truly is, against what the others show of it. */
export class PeersBook {
  readonly #truths = new Map<string, Truth>();
  readonly #diedMs = new Map<string, number>();
  readonly #bounds: Bounds;
  lives = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  born(name: string, truth: Truth, nowMs: number): void {
    this.died(name, nowMs);
    this.#truths.set(name, truth);
    this.lives++;
  }

  died(name: string, nowMs: number): void {
    const truth = this.#truths.get(name);
    if (truth === undefined) return;
    this.#truths.delete(name);
    this.#diedMs.set(`${name}/${truth.core.epoch}`, nowMs);
  }

  /** Nobody shows as up what has been dead, or blocked, for too long. */
  check(nowMs: number): void {
    for (const [name, viewer] of this.#truths) {
      if (stoppedSince(viewer, nowMs) !== undefined) continue;
      for (const peer of viewer.core.all())
        if (peer.state === "up") this.#checkUp(name, viewer, peer, nowMs);
    }
  }

  #checkUp(name: string, viewer: Truth, peer: Peer, nowMs: number): void {
    const truth = this.#truths.get(peer.id);
    const isSameLife = truth?.core.epoch === peer.epoch;
    const deadMs = isSameLife ? undefined : this.#diedMs.get(`${peer.id}/${peer.epoch}`);
    const late = (sinceMs: number | undefined, boundMs: number): boolean =>
      sinceMs !== undefined && nowMs - Math.max(sinceMs, viewer.wokeMs) > boundMs;
    if (late(deadMs, this.#bounds.downMs))
      throw new Error(`${name} shows ${peer.id} up at ${nowMs}, which is dead since ${deadMs}`);
    const stopped = isSameLife ? stoppedSince(truth, nowMs) : undefined;
    if (late(stopped, this.#bounds.stalledMs))
      throw new Error(
        `${name} shows ${peer.id} up at ${nowMs}, which stands still since ${stopped}`,
      );
  }

  /** Everybody sees everybody who is there, as they are, on one line each, and nobody else. */
  atRest(): void {
    for (const [name, viewer] of this.#truths) {
      const known = viewer.core.all().map(({ id, state }) => `${id} ${state}`);
      const told = [...viewer.told].map(([id, state]) => `${id} ${state}`);
      if (known.sort().join() !== told.sort().join())
        throw new Error(`${name} knows ${known.join()}, and has told ${told.join()}`);
      const shown = viewer.core.all().filter(({ state }) => state === "up");
      const wanted = [...this.#truths.keys()].filter((each) => each !== name).sort();
      const ids = shown.map(({ id }) => id).sort();
      if (ids.join() !== wanted.join())
        throw new Error(`${name} sees ${ids.join()} and not ${wanted.join()}`);
      for (const peer of shown) this.#checkSame(name, viewer, peer);
    }
  }

  #checkSame(name: string, viewer: Truth, peer: Peer): void {
    const truth = this.#truths.get(peer.id);
    const [offers, wanted] = [peer.offers, Object.fromEntries(truth?.offers ?? [])];
    if (JSON.stringify(offers) !== JSON.stringify(wanted) || peer.load !== truth?.load)
      throw new Error(`${name} believes ${peer.id} to be ${JSON.stringify(peer)}`);
    const lines = viewer.core.linesTo(peer.id);
    const direction = name < peer.id ? "out" : "in";
    if (lines.length !== 1 || lines[0]?.direction !== direction)
      throw new Error(`${name} has ${JSON.stringify(lines)} to ${peer.id}, not one ${direction}`);
  }
}

function stoppedSince({ aliveMs }: Truth, nowMs: number): number | undefined {
  return nowMs - aliveMs > STANDS_MS ? aliveMs : undefined;
}
