import { type DialOptions, Listener, listen, trustKeyring } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import { VERB_PEERS } from "../verbs.ts";
import type { BeaconParts } from "./beacon.ts";
import { Finders } from "./finders.ts";
import type { Address } from "./message.ts";
import { checkOffer, checkOptions, type PeersOptions, reachable } from "./options.ts";
import type { Offering, Peer, PeerEvent } from "./peer.ts";
import { PeersCore } from "./peers-core.ts";
import { SessionLines, sessionSettings } from "./session-lines.ts";
import { type PeersSettings, settingsOf } from "./settings.ts";
import { Watchers } from "./watchers.ts";

/** How long to wait. */
interface WaitOptions {
  readonly signal?: AbortSignal;
}

/** Counters of {@link Peers}. */
export interface PeersStats {
  readonly peers: number;
  /** Lines that are open or dialled; one a peer, but for moments and for those that are away. */
  readonly lines: number;
  /** What was refused, by reason: `stale`, `foreign key`, `beacon forged` and so on. */
  readonly refused: Readonly<Record<string, number>>;
}

const READY_TIMEOUT_MS = 10_000;
const TICK_MS_MAX = 100;
const listeners = new WeakSet<Listener>();

/** One process among its peers: who is there, what each offers, how loaded it is. */
export class Peers implements AsyncDisposable {
  readonly id: string;
  readonly name: string;
  /** Where others find this one: an address to give them. */
  readonly endpoint: string;
  readonly #offers: Map<string, string>;
  readonly #options: PeersOptions;
  readonly #core: PeersCore;
  readonly #lines: SessionLines;
  readonly #finders = new Finders();
  readonly #watchers = new Watchers<PeerEvent>();
  readonly #listener: Listener;
  readonly #withdraw: () => void;
  readonly #timer: NodeJS.Timeout;
  #load = 0;
  #closing: Promise<void> | undefined;

  /** Use {@link openPeers}. */
  constructor(listener: Listener, options: PeersOptions, settings: PeersSettings) {
    const { name, id = name, keys, offers = {} } = options;
    this.id = id;
    this.name = name;
    this.endpoint = reachable(listener.endpoint, options.advertise);
    this.#options = options;
    this.#listener = listener;
    this.#offers = new Map(Object.entries(offers));
    this.#lines = new SessionLines(
      () => this.#core,
      (to) => this.#dialling(to, settings),
    );
    const who = { id, name, at: this.endpoint, key: keys?.key.publicKey, epoch: Date.now() };
    const self = { ...who, offers: this.#offers, load: () => this.#loadNow() };
    this.#core = new PeersCore(self, {
      settings,
      nowMs: performance.now(),
      effects: {
        send: (line, message) => this.#lines.send(line, message),
        dial: (line, to) => this.#lines.dial(line, to),
        hangUp: (line) => this.#lines.hangUp(line),
        event: (event) => this.#watchers.tell({ ...event, peer: shown(event.peer) }),
        admits: trusting(options),
      },
    });
    listeners.add(listener);
    this.#withdraw = listener.accept(VERB_PEERS, (session) => this.#lines.accept(session));
    const tickMs = Math.min(TICK_MS_MAX, settings.beatMs / 4);
    this.#timer = setInterval(() => this.#core.tick(performance.now()), tickMs).unref();
  }

  /** Every other peer that is known, sorted by name and id. */
  all(): Peer[] {
    const word = ({ name, id }: Peer): string => `${name} ${id}`;
    return this.#core
      .all()
      .map(shown)
      .sort((a, b) => (word(a) < word(b) ? -1 : 1));
  }

  /** Other peers that offer this: those that are up first, of these the least loaded first. */
  who(offer: string): Offering[] {
    const ranks = { up: 0, stalled: 1, down: 2 };
    const offering = this.all().flatMap((peer): Offering[] => {
      const endpoint = peer.offers[offer];
      return endpoint === undefined ? [] : [{ ...peer, endpoint }];
    });
    return offering.sort((a, b) => ranks[a.state] - ranks[b.state] || a.load - b.load);
  }

  /**
   * What happens to peers: first an event for each one that is known, then everything that changes.
   * @param options `signal` ends it
   * @throws PatternError ERR_OVERLOADED, from the iterator, when 1 024 events wait for the reader
   */
  events(options: WaitOptions = {}): AsyncIterableIterator<PeerEvent, undefined, undefined> {
    const known = this.all().map((peer): PeerEvent => ({ kind: peer.state, peer }));
    return this.#watchers.events(known, options.signal);
  }

  /**
   * Where a thing is offered now, as a list each time that it is another one: give it to rpc's `connect`.
   * Peers that are up are in it; when none is, those that are stalled. A list is never empty: while
   * nobody is there, whoever follows keeps the last one.
   * @param options `signal` ends it
   */
  endpoints(offer: string, options: WaitOptions = {}): AsyncIterable<readonly string[]> {
    const look = (): readonly string[] | undefined => {
      const found = this.who(offer);
      const up = found.filter(({ state }) => state === "up");
      const there = up.length > 0 ? up : found.filter(({ state }) => state === "stalled");
      const list = [...new Set(there.map(({ endpoint }) => endpoint))].sort();
      return list.length > 0 ? list : undefined;
    };
    const read = (): AsyncIterator<readonly string[]> =>
      this.#watchers.latest(look, { key: (list) => list.join(" "), signal: options.signal });
    return { [Symbol.asyncIterator]: read };
  }

  /**
   * Waits until so many peers that offer this are up.
   * @param count at least 1 (default 1)
   * @param options `timeoutMs` (default 10 000), `signal`
   * @returns those that are up
   * @throws PatternError ERR_TIMEOUT saying how many there are, ERR_CLOSED when this side ends; the
   *   reason of `signal`
   */
  async ready(
    offer: string,
    count = 1,
    options: WaitOptions & { readonly timeoutMs?: number } = {},
  ): Promise<Offering[]> {
    const { timeoutMs = READY_TIMEOUT_MS, signal } = options;
    const late = AbortSignal.timeout(timeoutMs);
    const either = signal === undefined ? late : AbortSignal.any([late, signal]);
    const look = (): Offering[] => this.who(offer).filter(({ state }) => state === "up");
    const key = (found: readonly Offering[]): string => found.map(({ id }) => id).join(" ");
    for await (const found of this.#watchers.latest(look, { key, signal: either }))
      if (found.length >= count) return found;
    signal?.throwIfAborted();
    if (this.#closing !== undefined)
      throw new PatternError("ERR_CLOSED", `${this.name} was closed`);
    const text = `${this.name}: ${look().length} of ${count} peers offer ${offer} after ${timeoutMs} ms`;
    throw new PatternError(
      "ERR_TIMEOUT",
      `${text}; do they run, and is one of their addresses a source?`,
    );
  }

  /**
   * Offers something from now on, or somewhere else. Others hear of it at once.
   * @throws PatternError ERR_BAD_OPTION when it has no name or cannot be dialled, or beyond 64 offers
   */
  offer(offer: string, endpoint: string): void {
    checkOffer(offer, endpoint, this.#offers.size + (this.#offers.has(offer) ? 0 : 1));
    this.#offers.set(offer, endpoint);
    this.#core.advertise(performance.now());
  }

  /** Offers it no more. @returns false when it was not offered */
  withdraw(offer: string): boolean {
    const was = this.#offers.delete(offer);
    if (was) this.#core.advertise(performance.now());
    return was;
  }

  /** Counters. */
  stats(): PeersStats {
    return this.#core.stats();
  }

  /** For {@link openPeers}: begins to look for others. */
  async find(): Promise<void> {
    const beacon = (): BeaconParts => {
      const { keys } = this.#options;
      if (keys === undefined) throw new PatternError("ERR_BAD_OPTION", "a beacon needs keys");
      return {
        keys,
        self: () => ({ id: this.id, epoch: this.#core.epoch, at: this.endpoint }),
        found: (hint) => this.#core.hint(hint, performance.now()),
        refused: (reason) => this.#core.refuse(reason),
      };
    };
    const give = (source: string, addresses: readonly Address[]): void =>
      this.#core.give(source, addresses);
    await this.#finders.open(this.#options.sources ?? [], { give, beacon });
  }

  /** Says goodbye, so that others forget this peer at once, and ends. Safe to call again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#finders[Symbol.asyncDispose]();
    this.#core.leave();
    this.#withdraw();
    await this.#lines.close();
    listeners.delete(this.#listener);
    if (this.#options.listen !== this.#listener) await this.#listener.close();
    this.#watchers.close();
  }

  /** What cannot be said is said as before. */
  #loadNow(): number {
    try {
      const load = this.#options.load?.() ?? 0;
      if (!Number.isFinite(load)) throw new RangeError(`a load is a number, not ${load}`);
      this.#load = load;
    } catch {
      this.#core.refuse("load");
    }
    return this.#load;
  }

  #dialling({ key: serverKey }: Address, { lineBeatMs, beatMs }: PeersSettings): DialOptions {
    const { keys } = this.#options;
    const options = { node: this.name, lineBeatMs, ...sessionSettings(beatMs) };
    if (keys === undefined || serverKey === undefined) return options;
    return { ...options, keys: { key: keys.key, serverKey } };
  }
}

function trusting({ keys }: PeersOptions): (to: Address) => boolean {
  if (keys === undefined) return () => true;
  const trust = trustKeyring(keys.keyring);
  return ({ key }) => key !== undefined && trust(key);
}

/** As the world sees it: on the clock of the wall. */
const shown = (peer: Peer): Peer => ({
  ...peer,
  since: Math.round(performance.timeOrigin + peer.since),
});

async function listenerOf(options: PeersOptions, settings: PeersSettings): Promise<Listener> {
  const { listen: where = "tcp://127.0.0.1:*", keys, insecure = false, name } = options;
  if (where instanceof Listener) {
    if (!listeners.has(where)) return where;
    const text = `peers are open on the listener at ${where.endpoint} already; use another`;
    throw new PatternError("ERR_BAD_OPTION", text);
  }
  const secure = keys && { key: keys.key, trust: trustKeyring(keys.keyring) };
  const { beatMs, lineBeatMs } = settings;
  const session = { lineBeatMs, ...sessionSettings(beatMs) };
  return listen(where, { node: name, keys: secure, insecure, ...session });
}

/**
 * Joins the peers of a network: finds them, tells them of this process, and watches who is there.
 * A peer is `up` while it is heard, `stalled` three beats after its loop was blocked, and `down` at once
 * when it was killed, or within a second when its process was stopped or its cable cut.
 * @param options at least a `name`; see {@link PeersOptions}
 * @throws PatternError ERR_BAD_OPTION naming the option that is wrong
 * @throws LinkError when it cannot listen, or would be open to others without keys
 */
export async function openPeers(options: PeersOptions): Promise<Peers> {
  checkOptions(options);
  const settings = settingsOf(options);
  const offers = Object.entries(options.offers ?? {});
  for (const [offer, endpoint] of offers) checkOffer(offer, endpoint, offers.length);
  const listener = await listenerOf(options, settings);
  const peers = new Peers(listener, options, settings);
  try {
    await peers.find();
    return peers;
  } catch (error) {
    await peers.close();
    throw error;
  }
}
