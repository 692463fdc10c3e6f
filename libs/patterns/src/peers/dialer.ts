import type { AddressBook } from "./address-book.ts";
import { type Line, Lines, surplus } from "./line.ts";
import type { Address, Advert } from "./message.ts";
import type { PeerState } from "./peer.ts";

/** What is to be known of a peer to decide whom to dial. */
export interface Dialled {
  readonly advert: Advert;
  readonly state: PeerState;
  readonly sinceMs: number;
}

/** What a dialer asks of the world around it. */
export interface DialEffects {
  /** Opens the line of that number, and keeps it open through losses. */
  dial(line: number, to: Address): void;
  /** Ends a line; nothing more is told of it. */
  hangUp(line: number): void;
}

/** Beats after which the higher id dials as well: the lower one seems not to get through. */
const PATIENCE_BEATS = 8;

/** Keeps one line to each peer: the lower id dials, and addresses that were given are tried. */
export class Dialer {
  readonly lines = new Lines();
  readonly #id: string;
  readonly #book: AddressBook;
  readonly #effects: DialEffects;
  readonly #patienceMs: number;

  constructor(
    id: string,
    parts: { readonly book: AddressBook; readonly effects: DialEffects; readonly beatMs: number },
  ) {
    this.#id = id;
    this.#book = parts.book;
    this.#effects = parts.effects;
    this.#patienceMs = PATIENCE_BEATS * parts.beatMs;
  }

  /** Once a beat: dials whom there is no line to, and ends lines that nobody needs. */
  beat(peers: ReadonlyMap<string, Dialled>, nowMs: number): void {
    for (const id of peers.keys())
      for (const line of surplus(this.lines.of(id), this.#id < id)) this.hangUp(line);
    const wanted = this.#wanted(peers, nowMs);
    for (const line of this.lines.values())
      if (line.to !== undefined && line.peer === undefined && !wanted.has(line.to.at))
        this.hangUp(line);
    for (const address of wanted.values()) this.once(address);
  }

  #wanted(peers: ReadonlyMap<string, Dialled>, nowMs: number): Map<string, Address> {
    const wanted = new Map<string, Address>();
    for (const address of this.unfound(peers)) wanted.set(address.at, address);
    for (const { advert, state, sinceMs } of peers.values()) {
      const waits = state === "down" && nowMs - sinceMs > this.#patienceMs;
      if (waits || (this.#id < advert.id && !this.#hasDialled(advert.id)))
        wanted.set(advert.at, advert);
    }
    for (const { hint, sinceMs } of this.#book.rumours())
      if (this.#id < hint.id || nowMs - sinceMs > this.#patienceMs) wanted.set(hint.at, hint);
    return wanted;
  }

  /** The addresses that were given, but those that lead to somebody who has a line, or here. */
  unfound(peers: ReadonlyMap<string, Dialled>): Address[] {
    return this.#book.given().filter(({ at }) => {
      const id = this.#book.ledTo(at);
      if (id === undefined) return true;
      return id !== this.#id && (peers.get(id)?.state ?? "down") === "down";
    });
  }

  /** Dials somebody, unless that is done already. */
  once(to: Address): void {
    if (this.lines.dials(to.at)) return;
    const { at, key } = to;
    const line = this.lines.out(key === undefined ? { at } : { at, key });
    this.#effects.dial(line.number, { at, key });
  }

  /** Ends the lines that lead to a peer that is known no more; addresses that were given stay dialled. */
  leave({ id, at }: Advert): void {
    for (const line of this.lines.values()) {
      if (line.to === undefined || (line.peer !== id && line.to.at !== at)) continue;
      if (this.#book.isGiven(line.to.at)) this.lines.belongs(line, undefined);
      else this.hangUp(line);
    }
  }

  /** Ends a line that this side has dialled. */
  hangUp(line: Line): void {
    this.lines.remove(line);
    this.#effects.hangUp(line.number);
  }

  #hasDialled(id: string): boolean {
    return this.lines.of(id).some(({ direction }) => direction === "out");
  }
}
