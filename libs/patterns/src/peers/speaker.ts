import type { Line, Lines } from "./line.ts";
import {
  type Address,
  type Advert,
  HINTS_MAX,
  type Hint,
  Kind,
  type PeerMessage,
} from "./message.ts";
import type { PeerRecord } from "./peer-record.ts";

/** What this side says of itself. */
export interface Self extends Address {
  readonly id: string;
  readonly name: string;
  /** Number of this life of the process, above those of earlier ones. */
  readonly epoch: number;
  /** Endpoint of each thing that it offers, as it is now. */
  readonly offers: ReadonlyMap<string, string>;
  /** Its load, now. */
  load(): number;
}

/** Hints that go with a beat. */
const HINTS_A_BEAT = 16;

/** Says who this side is, and whom it has a line to. */
export class Speaker {
  readonly self: Self;
  readonly #lines: Lines;
  readonly #records: ReadonlyMap<string, PeerRecord>;
  readonly #send: (line: number, message: PeerMessage) => void;
  #epoch: number;
  #at = 0;
  #hasLeft = false;

  constructor(
    self: Self,
    parts: {
      readonly lines: Lines;
      readonly records: ReadonlyMap<string, PeerRecord>;
      readonly send: (line: number, message: PeerMessage) => void;
    },
  ) {
    this.self = self;
    this.#epoch = self.epoch;
    this.#lines = parts.lines;
    this.#records = parts.records;
    this.#send = parts.send;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Others remember a later life: from now on this one is later still. */
  outlive(epoch: number): void {
    this.#epoch = epoch + 1;
  }

  /** Says who this side is, on one line. */
  introduce({ number, peer }: Line, nowMs: number): void {
    if (this.#hasLeft) return;
    const { id, name, at, key, offers } = this.self;
    const record = peer === undefined ? undefined : this.#records.get(peer);
    const echo = record?.echo(nowMs) ?? { echoMs: -1, holdMs: 0 };
    const who = { id, name, at, key, offers, epoch: this.#epoch };
    this.#send(number, {
      kind: Kind.advert,
      ...who,
      ...echo,
      sentMs: nowMs,
      load: this.self.load(),
    });
  }

  /** Says it on every line. */
  advertise(nowMs: number): void {
    for (const line of this.#lines.values()) if (line.isUp) this.introduce(line, nowMs);
  }

  /** Tells everybody of a few peers, others at each beat. */
  gossip(): void {
    const hints = this.#hints();
    const few = hints.length <= HINTS_A_BEAT ? hints : this.#turn(hints);
    for (const line of this.#lines.values())
      if (line.isUp && line.peer !== undefined) this.#tell(line, few);
  }

  /** Somebody was found: it hears of all others, and they of it. */
  present(found: Advert): void {
    for (const line of this.#lines.values()) {
      if (!line.isUp || line.peer === undefined) continue;
      this.#tell(line, line.peer === found.id ? this.#hints() : [found]);
    }
  }

  /** Tells whoever is at the other end of a line what is remembered of a later life of it. */
  remind({ number }: Line, advert: Advert): void {
    this.#send(number, { kind: Kind.hints, id: this.self.id, hints: [hintOf(advert)] });
  }

  /** Says goodbye to everybody, and nothing after it. */
  leave(): void {
    this.#hasLeft = true;
    const message = { kind: Kind.left, id: this.self.id, epoch: this.#epoch } as const;
    for (const line of this.#lines.values()) if (line.isUp) this.#send(line.number, message);
  }

  #hints(): Advert[] {
    return [...this.#records.values()]
      .filter(({ state }) => state === "up")
      .map(({ advert }) => advert);
  }

  #turn(hints: readonly Advert[]): Advert[] {
    const start = this.#at % hints.length;
    this.#at = start + HINTS_A_BEAT;
    return [...hints.slice(start), ...hints.slice(0, start)].slice(0, HINTS_A_BEAT);
  }

  #tell({ number, peer }: Line, adverts: readonly Advert[]): void {
    if (this.#hasLeft) return;
    const hints = adverts.filter(({ id }) => id !== peer).map(hintOf);
    for (let at = 0; at < hints.length; at += HINTS_MAX) {
      const some = hints.slice(at, at + HINTS_MAX);
      this.#send(number, { kind: Kind.hints, id: this.self.id, hints: some });
    }
  }
}

const hintOf = ({ id, epoch, at, key }: Advert): Hint => ({ id, epoch, at, key });
