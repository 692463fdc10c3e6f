import type { Advert } from "./message.ts";
import type { Peer, PeerState } from "./peer.ts";

/** How much a new round trip counts beside those before. */
const RTT_WEIGHT = 0.25;

/** What is known of one peer. */
export class PeerRecord {
  advert: Advert;
  state: PeerState = "down";
  sinceMs: number;
  heardMs: number;
  #stampAtMs: number;
  #rttMs: number | undefined;
  #toldLoad: number;

  constructor(advert: Advert, nowMs: number) {
    this.advert = advert;
    this.sinceMs = nowMs;
    this.heardMs = nowMs;
    this.#stampAtMs = nowMs;
    this.#toldLoad = advert.load;
    this.#measure(advert, nowMs);
  }

  /** The last time that the peer has told, for it to measure the way by; and how long ago. */
  echo(nowMs: number): { readonly echoMs: number; readonly holdMs: number } {
    return { echoMs: this.advert.sentMs, holdMs: nowMs - this.#stampAtMs };
  }

  /** Takes what it says of itself. @returns true when that is something new */
  hear(advert: Advert, nowMs: number, loadStep: number): boolean {
    const before = this.advert;
    this.advert = advert;
    this.heardMs = nowMs;
    this.#stampAtMs = nowMs;
    this.#measure(advert, nowMs);
    const step = Math.abs(advert.load - this.#toldLoad);
    const isLoaded = step > 0 && step >= loadStep * Math.abs(this.#toldLoad);
    if (!isLoaded && isSame(before, advert)) return false;
    this.#toldLoad = advert.load;
    return true;
  }

  become(state: PeerState, nowMs: number): void {
    this.state = state;
    this.sinceMs = nowMs;
  }

  view(): Peer {
    const { id, name, epoch, at, key, offers, load } = this.advert;
    const { state, sinceMs: since } = this;
    const rttMs = this.#rttMs;
    return {
      id,
      name,
      epoch,
      at,
      key,
      offers: Object.fromEntries(offers),
      load,
      state,
      since,
      rttMs,
    };
  }

  #measure({ echoMs, holdMs }: Advert, nowMs: number): void {
    const rttMs = nowMs - echoMs - holdMs;
    if (echoMs < 0 || holdMs < 0 || rttMs < 0) return;
    this.#rttMs =
      this.#rttMs === undefined ? rttMs : this.#rttMs + RTT_WEIGHT * (rttMs - this.#rttMs);
  }
}

function isSame(a: Advert, b: Advert): boolean {
  if (a.name !== b.name || a.at !== b.at || a.offers.size !== b.offers.size) return false;
  return [...a.offers].every(([name, endpoint]) => b.offers.get(name) === endpoint);
}
