import { codeOf } from "../../errors.ts";
import { SessionCore } from "../../session/core.ts";
import type { Hello } from "../../session/hello.ts";
import { SESSION_DEFAULTS, type SessionEffects } from "../../session/settings.ts";
import { Switchboard } from "../../session/switchboard.ts";

const VERB = 1;
const SESSIONS_MAX = 3;
const HONEST_RECORDS = 20;
/** Answers to one hostile message: to it, and what was in flight once more. */
const ANSWERS_MAX = 8;
const NOW_MS = 1_000;
const STATES = new Set(["opening", "up", "stalled", "down", "closed"]);

type Frames = readonly Uint8Array[];

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** A core whose world is a few callbacks. */
class Side {
  readonly core: SessionCore;
  readonly got: string[] = [];
  readonly refused = new Map<string, number>();

  constructor(role: "dialer" | "acceptor", id: number, send: (frames: Frames) => void) {
    const nothing = (): void => undefined;
    const effects: SessionEffects = {
      send,
      deliver: (_verb, bytes, start, end) => this.got.push(bytes.toString("latin1", start, end)),
      state: nothing,
      reset: nothing,
      schedule: nothing,
      room: nothing,
      refused: nothing,
    };
    const identity = { node: role, newSession: () => Buffer.alloc(16, id) };
    this.core = new SessionCore(role, identity, { settings: SESSION_DEFAULTS, effects });
  }

  accept(hello: Hello, epoch: number): void {
    this.core.accept(hello, epoch, NOW_MS);
    if (this.core.state !== "closed") this.core.outbox.append(VERB, Buffer.from("in flight"));
    this.core.flush(NOW_MS);
  }

  receive(frames: readonly Buffer[]): void {
    try {
      this.#count(this.core.receive(frames, NOW_MS));
    } catch (error) {
      if (codeOf(error) !== "ERR_LINK_PROTOCOL") throw error;
      this.#count("welcome");
    }
  }

  lineLost(): void {
    this.core.lineLost(NOW_MS);
  }

  summary(): string {
    return [this.core.state, ...[...this.refused.keys()].toSorted()].join(" ");
  }

  #count(reason: string | undefined): void {
    if (reason !== undefined) this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }
}

/** A listener with an honest peer, a dialer, and three strangers who send what they like. */
export class Arena {
  readonly #board: Switchboard<Side>;
  readonly #honest: Side;
  readonly #victim: Side;
  readonly #toHonest: Frames[] = [];
  #answers = 0;

  constructor() {
    this.#board = new Switchboard<Side>({
      sessionsMax: SESSIONS_MAX,
      admits: () => true,
      foreign: () => undefined,
      open: (_hello, send) => new Side("acceptor", 0, send),
      send: (frames) => this.#fromListener(frames),
      firstEpoch: 0,
    });
    const route = Buffer.from("honest");
    this.#honest = new Side("dialer", 0xee, (frames) => this.#board.receive(route, copy(frames)));
    this.#victim = new Side("dialer", 0xdd, () => void this.#answers++);
    this.#honest.core.dial(NOW_MS);
    this.#victim.core.dial(NOW_MS);
    this.#settle();
    this.#answers = 0;
  }

  /** One message of a stranger: 0 to 2 are connections to the listener, 3 is the dialer's line. */
  attack(to: number, frames: readonly Buffer[]): void {
    if (to === 3) this.#victim.receive(frames);
    else this.#board.receive(Buffer.from(`stranger ${to}`), frames);
  }

  /** What must hold after `messages` of strangers. */
  check(messages: number): void {
    expect(this.#board.size <= SESSIONS_MAX, `${this.#board.size} sessions`);
    expect(this.#board.routes <= this.#board.size, "more routes than sessions");
    expect(this.#answers <= messages * ANSWERS_MAX, `${this.#answers} answers to ${messages}`);
    expect(STATES.has(this.#victim.core.state), "no state");
    this.#honest.got.length = 0;
    const acceptor = this.#acceptorOfHonest();
    for (let i = 0; i < HONEST_RECORDS; i++) {
      this.#honest.core.outbox.append(VERB, Buffer.from(`up ${i}`));
      acceptor.core.outbox.append(VERB, Buffer.from(`down ${i}`));
    }
    this.#honest.core.flush(NOW_MS);
    acceptor.core.flush(NOW_MS);
    this.#settle();
    expect(acceptor.got.join() === numbered("up"), "the honest peer's records did not come");
    expect(this.#honest.got.join() === numbered("down"), "the honest peer got something else");
  }

  /** What happened: why things were refused and in which states it ended. */
  summary(): string {
    const sessions = [...this.#board.entries()].map(({ session }) => session.summary());
    const refused = Object.keys(this.#board.refused()).toSorted().join();
    return [refused, this.#victim.summary(), ...new Set(sessions.toSorted())].join(" | ");
  }

  #acceptorOfHonest(): Side {
    const [first] = this.#board.entries();
    if (first === undefined) throw new Error("the honest peer lost its session");
    return first.session;
  }

  #fromListener([route, ...frames]: Frames): void {
    if (Buffer.from(route ?? []).toString() === "honest") this.#toHonest.push(frames);
    else this.#answers++;
  }

  #settle(): void {
    for (let frames = this.#toHonest.shift(); frames; frames = this.#toHonest.shift()) {
      this.#honest.receive(copy(frames));
    }
  }
}

const copy = (frames: Frames): Buffer[] => frames.map((frame) => Buffer.from(frame));

function numbered(name: string): string {
  return Array.from({ length: HONEST_RECORDS }, (_, i) => `${name} ${i}`).join();
}
