import { parseEndpoint } from "./endpoint.ts";
import { codeOf } from "./errors.ts";
import { answerProbes } from "./probe-answer.ts";
import { type DialOptions, dial } from "./session/dial.ts";
import { VIA_MAX } from "./session/hello.ts";
import type { Listener } from "./session/listener.ts";
import type { Session } from "./session/session.ts";

/** Options of {@link relay}. */
export interface RelayOptions {
  /** Where the relayed sessions go; a new one goes where the fewest are. At least one. */
  readonly to: readonly string[];
  /** Which verbs are relayed (default all, 1 to 31). */
  readonly verbs?: readonly number[];
  /**
   * Gives what is passed to the front in place of `body`, a record that came from `back`: for verbs
   * that name addresses (default as it is).
   */
  readonly rewrite?: (body: Buffer, back: Session, verb: number) => Uint8Array;
  /** How the sessions behind are dialled; `via` is set by the relay. */
  readonly dial?: Omit<DialOptions, "via">;
}

/** Counters of a {@link Relay}. */
export interface RelayStats {
  /** Sessions relayed now. */
  readonly sessions: number;
  /** Records passed on, by direction. */
  readonly recordsTo: number;
  readonly recordsFrom: number;
  /** Times that a fast side had to wait for the slow one. */
  readonly waits: number;
  /** Sessions ended by the relay, by reason: `reset` (the other side began anew), `circle`, `overloaded`. */
  readonly ended: Readonly<Record<string, number>>;
}

const VERBS = Array.from({ length: 31 }, (_, i) => i + 1);

interface Counts {
  recordsTo: number;
  recordsFrom: number;
  waits: number;
  readonly ended: Record<string, number>;
}

/** One session in front and the one behind that carries its records. */
class Leg {
  readonly front: Session;
  readonly back: Session;
  readonly #counts: Counts;

  constructor(front: Session, back: Session, counts: Counts) {
    this.front = front;
    this.back = back;
    this.#counts = counts;
  }

  /** Takes what the front sends, and passes it on. */
  forward(verb: number, body: Buffer): void {
    this.#counts.recordsTo++;
    this.#pass(this.front, this.back, { verb, body });
  }

  /** Takes what the back sends, and passes it on. */
  backward(verb: number, body: Uint8Array): void {
    this.#counts.recordsFrom++;
    this.#pass(this.back, this.front, { verb, body });
  }

  /** Tells the front by an end of its session; its dialer begins anew. */
  end(reason: string): void {
    if (this.front.state === "closed") return;
    this.#counts.ended[reason] = (this.#counts.ended[reason] ?? 0) + 1;
    this.front.end();
  }

  #pass(from: Session, to: Session, record: { verb: number; body: Uint8Array }): void {
    if (to.state === "closed") return;
    try {
      to.send(record.verb, record.body);
    } catch (error) {
      if (codeOf(error) !== "ERR_LINK_OVERLOADED") throw error;
      this.end("overloaded");
      return;
    }
    if (!to.hasRoom) void this.#hold(from, to);
  }

  /** Who sends faster than the other side takes loses its credit until there is room. */
  async #hold(from: Session, to: Session): Promise<void> {
    if (from.paused) return;
    this.#counts.waits++;
    from.pause();
    while (!to.hasRoom && to.state !== "closed" && from.state !== "closed") {
      await to.room().catch(() => undefined);
    }
    from.resume();
  }
}

/** Sessions that come in at a listener and go on to another one. See {@link relay}. */
export class Relay implements AsyncDisposable {
  readonly #options: RelayOptions;
  readonly #legs = new Map<Session, Leg>();
  readonly #load = new Map<string, number>();
  readonly #counts: Counts = { recordsTo: 0, recordsFrom: 0, waits: 0, ended: {} };
  readonly #verbs: readonly number[];
  readonly #withdraw: (() => void)[];

  /** Use {@link relay}. */
  constructor(front: Listener, options: RelayOptions) {
    this.#options = options;
    this.#verbs = options.verbs ?? VERBS;
    for (const endpoint of options.to) this.#load.set(endpoint, 0);
    const receive = (session: Session, body: Buffer, verb: number): void =>
      this.#leg(session)?.forward(verb, body);
    this.#withdraw = this.#verbs.map((verb) =>
      front.accept(verb, (session) => ({ receive: (body) => receive(session, body, verb) })),
    );
    // Whoever asks what is spoken here must hear it, though nothing here answers calls itself.
    this.#withdraw.push(front.foreign(answerProbes));
  }

  /** What it has passed on, and what it had to end. */
  stats(): RelayStats {
    return { ...this.#counts, ended: { ...this.#counts.ended }, sessions: this.#legs.size };
  }

  /** Ends every relayed session after what is on its way, both sides. Safe to call again. */
  async close(): Promise<void> {
    for (const withdraw of this.#withdraw) withdraw();
    await Promise.all(
      [...this.#legs.values()].flatMap(({ front, back }) => [front.close(), back.close()]),
    );
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #leg(front: Session): Leg | undefined {
    const known = this.#legs.get(front);
    if (known !== undefined || front.state === "closed") return known;
    const { node, key, via } = front.peer;
    if (via.length >= VIA_MAX) {
      this.#counts.ended["circle"] = (this.#counts.ended["circle"] ?? 0) + 1;
      front.end();
      return undefined;
    }
    const endpoint = this.#leastLoaded();
    const who = key === undefined ? { node } : { node, key };
    const back = dial(endpoint, { ...this.#options.dial, via: [who, ...via] });
    return this.#connect(new Leg(front, back, this.#counts), endpoint);
  }

  #connect(leg: Leg, endpoint: string): Leg {
    const { front, back } = leg;
    this.#legs.set(front, leg);
    this.#load.set(endpoint, (this.#load.get(endpoint) ?? 0) + 1);
    const { rewrite = (body: Buffer): Uint8Array => body } = this.#options;
    const handler = {
      receive: (body: Buffer, verb: number) => leg.backward(verb, rewrite(body, back, verb)),
      reset: () => leg.end("reset"),
    };
    for (const verb of this.#verbs) back.attach(verb, handler);
    front.watch((state) => {
      if (state !== "closed" || !this.#legs.delete(front)) return;
      this.#load.set(endpoint, (this.#load.get(endpoint) ?? 1) - 1);
      void back.close();
    });
    return leg;
  }

  #leastLoaded(): string {
    return [...this.#load].reduce((least, each) => (each[1] < least[1] ? each : least))[0];
  }
}

/**
 * Passes every record of the sessions that come in at `front` on to a listener behind, and its
 * answers back: a broker, for any verb, without knowing one. Each session in front has one behind,
 * so order, resets and identity stay what they were; the listener behind reads in `peer.via` for
 * whom the relay speaks. A side that takes slowly holds back its own peer only (the window and
 * 1 MiB are all that the relay keeps of a session), and libzmq takes from the peers in turn.
 * @param front a listener that accepts none of these verbs itself
 * @throws RangeError when `to` is empty; LinkError ERR_LINK_ENDPOINT when one is no endpoint
 */
export function relay(front: Listener, options: RelayOptions): Relay {
  if (options.to.length === 0) throw new RangeError("a relay needs at least one endpoint in `to`");
  for (const endpoint of options.to) parseEndpoint(endpoint);
  return new Relay(front, options);
}
