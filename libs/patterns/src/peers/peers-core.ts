import { AddressBook } from "./address-book.ts";
import { type DialEffects, Dialer } from "./dialer.ts";
import type { Line } from "./line.ts";
import { type Address, type Advert, type Hint, Kind, type PeerMessage } from "./message.ts";
import type { Peer, PeerEvent } from "./peer.ts";
import { PeerRecord } from "./peer-record.ts";
import type { PeersSettings } from "./settings.ts";
import { type Self, Speaker } from "./speaker.ts";

/** What a core asks of the world around it. */
export interface PeersEffects extends DialEffects {
  send(line: number, message: PeerMessage): void;
  event(event: PeerEvent): void;
  /** True when somebody at that address, with that key, may be dialled. */
  admits(to: Address): boolean;
}

/** What a core is made with. */
export interface PeersParts {
  readonly settings: PeersSettings;
  readonly effects: PeersEffects;
  readonly nowMs: number;
}

/** Lines for which there is no peer yet, and second ones. */
const SPARE_LINES = 64;

/**
 * Who is there, as a pure state machine: messages and times go in, messages go out. What others
 * say of a peer only makes this side dial it; all that is believed of a peer comes from itself,
 * on a line of its own. Every beat says everything again, so that nothing hangs on one message.
 */
export class PeersCore {
  readonly #id: string;
  readonly #settings: PeersSettings;
  readonly #effects: PeersEffects;
  readonly #records = new Map<string, PeerRecord>();
  readonly #book: AddressBook;
  readonly #dialer: Dialer;
  readonly #speaker: Speaker;
  readonly #refused = new Map<string, number>();
  #tickedMs: number;
  #beatMs = Number.NEGATIVE_INFINITY;

  constructor(self: Self, { settings, effects, nowMs }: PeersParts) {
    this.#id = self.id;
    this.#settings = settings;
    this.#effects = effects;
    this.#tickedMs = nowMs;
    const { peersMax: max, forgetMs: keepMs, beatMs } = settings;
    this.#book = new AddressBook({ max, keepMs });
    this.#dialer = new Dialer(self.id, { book: this.#book, effects, beatMs });
    const { lines } = this.#dialer;
    const send = (line: number, message: PeerMessage): void => effects.send(line, message);
    this.#speaker = new Speaker(self, { lines, records: this.#records, send });
  }

  /** Every peer that is known. */
  all(): Peer[] {
    return [...this.#records.values()].map((record) => record.view());
  }

  /** Number of this life; it rises when others remember a later one. */
  get epoch(): number {
    return this.#speaker.epoch;
  }

  /** Lines that are up to a peer; one, but for moments. */
  linesTo(id: string): readonly Line[] {
    return this.#dialer.lines.of(id);
  }

  /** Counters; `refused` is by reason. */
  stats(): { peers: number; lines: number; refused: Record<string, number> } {
    const refused = Object.fromEntries(this.#refused);
    return { peers: this.#records.size, lines: this.#dialer.lines.size, refused };
  }

  /** Counts something refused for `reason`. */
  refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  /** Addresses of one source, in place of those that it gave before. */
  give(source: string, addresses: readonly Address[]): void {
    this.#book.give(source, addresses);
    for (const address of this.#dialer.unfound(this.#records)) this.#dialer.once(address);
  }

  /** Somebody is said to be there. */
  hint(hint: Hint, nowMs: number): void {
    const { id, epoch } = hint;
    if (id === this.#id) this.#outlive(epoch, nowMs);
    else if (!this.#effects.admits(hint)) this.refuse("untrusted");
    else if (epoch > this.#book.lastLife(id) && this.#isNews(hint)) {
      this.#book.rumour(hint, nowMs);
      if (this.#id < id) this.#dialer.once(hint);
    }
  }

  /**
   * Somebody has dialled this side; say {@link lineUp} when it can be answered.
   * @param key what it has proved
   * @returns the number of the line, or `undefined` when there are too many
   */
  accepted(key: string | undefined): number | undefined {
    const { lines } = this.#dialer;
    if (lines.size >= 2 * this.#settings.peersMax + SPARE_LINES) {
      this.refuse("lines");
      return undefined;
    }
    return lines.in(key).number;
  }

  /** A line has a connection, for the first time or again: who is there it has yet to say. */
  lineUp(number: number, nowMs: number): void {
    const line = this.#dialer.lines.get(number);
    if (line === undefined || line.isUp) return;
    line.isUp = true;
    this.#speaker.introduce(line, nowMs);
  }

  /** A line has no connection. */
  lineDown(number: number, nowMs: number): void {
    const line = this.#dialer.lines.get(number);
    if (line === undefined) return;
    line.isUp = false;
    this.#detach(line, nowMs);
  }

  /** A line that was accepted is no more. */
  lineClosed(number: number, nowMs: number): void {
    this.lineDown(number, nowMs);
    const line = this.#dialer.lines.get(number);
    if (line !== undefined) this.#dialer.lines.remove(line);
  }

  /** Takes a message; `undefined` is one that could not be read. */
  receive(number: number, message: PeerMessage | undefined, nowMs: number): void {
    const line = this.#dialer.lines.get(number);
    if (line?.isUp !== true) this.refuse("no line");
    else if (message === undefined) this.refuse("malformed");
    else if (message.kind === Kind.advert) this.#advert(line, message, nowMs);
    else if (line.peer !== message.id) this.refuse("stranger");
    else if (message.kind === Kind.left) this.#goodbye(message.id, message.epoch, nowMs);
    else if (this.#settings.mesh) for (const hint of message.hints) this.hint(hint, nowMs);
  }

  /** Tells everybody, now: this side offers something else. */
  advertise(nowMs: number): void {
    this.#speaker.advertise(nowMs);
  }

  /** Says goodbye to everybody. */
  leave(): void {
    this.#speaker.leave();
  }

  /** Time passes: call it a few times a beat. */
  tick(nowMs: number): void {
    this.#forgive(nowMs);
    for (const record of this.#records.values()) this.#review(record, nowMs);
    if (nowMs - this.#beatMs < this.#settings.beatMs) return;
    this.#beatMs = nowMs;
    this.#book.tidy(nowMs);
    this.#dialer.beat(this.#records, nowMs);
    this.#speaker.advertise(nowMs);
    if (this.#settings.mesh) this.#speaker.gossip();
  }

  /** While this loop stood still nobody was heard, and that is no fault of theirs. */
  #forgive(nowMs: number): void {
    const gapMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    if (gapMs < this.#settings.stalledMs / 2) return;
    for (const record of this.#records.values())
      record.heardMs = Math.min(nowMs, record.heardMs + gapMs);
  }

  #advert(line: Line, advert: Advert, nowMs: number): void {
    if (line.peer !== undefined && line.peer !== advert.id) this.#detach(line, nowMs);
    const reason = this.#refusal(line, advert);
    if (reason !== undefined) {
      this.#refuseAdvert(line, advert, reason);
      return;
    }
    this.#dialer.lines.belongs(line, advert.id);
    if (line.to !== undefined) this.#book.leads(line.to.at, advert.id);
    this.#book.settle(advert.id);
    this.#hear(line, advert, nowMs);
  }

  #hear(line: Line, advert: Advert, nowMs: number): void {
    const record = this.#records.get(advert.id);
    if (record === undefined) this.#found(advert, nowMs);
    else if (advert.epoch > record.advert.epoch) {
      // Lines of the life before are no sign of this one.
      for (const old of this.linesTo(advert.id))
        if (old !== line) this.#dialer.lines.belongs(old, undefined);
      if (record.state !== "down") this.#become(record, "down", nowMs);
      this.#found(advert, nowMs);
    } else {
      const isLater = advert.sentMs > record.advert.sentMs;
      const isNew = isLater && record.hear(advert, nowMs, this.#settings.loadStep);
      this.#review(record, nowMs);
      if (isNew) this.#effects.event({ kind: "changed", peer: record.view() });
    }
  }

  /** @returns why an advert is not believed, or `undefined` when it is */
  #refusal(line: Line, { id, at, epoch, key }: Advert): string | undefined {
    if (key !== line.key) return "foreign key";
    if (id === this.#id) return at === this.#speaker.self.at ? "self" : "same id";
    const known = this.#records.get(id)?.advert;
    if (known === undefined && this.#records.size >= this.#settings.peersMax) return "peers";
    if (known !== undefined && known.key !== key) return "foreign key";
    if (epoch <= this.#book.lastLife(id)) return "left";
    return known !== undefined && epoch < known.epoch ? "stale" : undefined;
  }

  #refuseAdvert(line: Line, advert: Advert, reason: string): void {
    const { id } = advert;
    if (reason !== "self") this.refuse(reason);
    if (reason === "stale" || reason === "left") {
      const epoch = Math.max(this.#book.lastLife(id), this.#records.get(id)?.advert.epoch ?? 0);
      this.#speaker.remind(line, { ...advert, epoch });
    } else if (line.to !== undefined) {
      if (id === this.#id) this.#book.leads(line.to.at, id);
      this.#dialer.hangUp(line);
    }
  }

  #found(advert: Advert, nowMs: number): void {
    const record = new PeerRecord(advert, nowMs);
    this.#records.set(advert.id, record);
    this.#review(record, nowMs);
    if (this.#settings.mesh) this.#speaker.present(advert);
  }

  #goodbye(id: string, epoch: number, nowMs: number): void {
    const record = this.#records.get(id);
    if (record === undefined || epoch < record.advert.epoch) return;
    this.#book.goodbye(id, epoch, nowMs);
    this.#forget(record, "goodbye");
  }

  #forget(record: PeerRecord, why: "goodbye" | "forgotten"): void {
    this.#records.delete(record.advert.id);
    this.#book.settle(record.advert.id);
    this.#dialer.leave(record.advert);
    this.#effects.event({ kind: "left", peer: record.view(), why });
  }

  #detach(line: Line, nowMs: number): void {
    const record = line.peer === undefined ? undefined : this.#records.get(line.peer);
    this.#dialer.lines.belongs(line, undefined);
    if (record !== undefined) this.#review(record, nowMs);
  }

  #review(record: PeerRecord, nowMs: number): void {
    const { stalledMs, forgetMs } = this.#settings;
    const isLinked = this.linesTo(record.advert.id).length > 0;
    const there = nowMs - record.heardMs <= stalledMs ? "up" : "stalled";
    const state = isLinked ? there : "down";
    if (state !== record.state) this.#become(record, state, nowMs);
    else if (state === "down" && nowMs - record.sinceMs > forgetMs)
      this.#forget(record, "forgotten");
  }

  #become(record: PeerRecord, state: Peer["state"], nowMs: number): void {
    record.become(state, nowMs);
    this.#effects.event({ kind: state, peer: record.view() });
  }

  /** Others remember a later life of this peer, because a clock went back: this one is alive. */
  #outlive(epoch: number, nowMs: number): void {
    if (epoch <= this.#speaker.epoch) return;
    this.#speaker.outlive(epoch);
    this.#speaker.advertise(nowMs);
  }

  #isNews({ id, epoch }: Hint): boolean {
    const record = this.#records.get(id);
    if (record === undefined || epoch > record.advert.epoch) return true;
    return epoch === record.advert.epoch && record.state === "down";
  }
}
