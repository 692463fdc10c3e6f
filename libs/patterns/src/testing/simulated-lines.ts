import type { Host } from "@zeroplane/link/testing";

/** What the lines of a simulated process tell it. */
export interface LineEvents {
  /** @returns the number of the line, or `undefined` when it is not taken */
  accepted(): number | undefined;
  up(line: number): void;
  down(line: number): void;
  closed(line: number): void;
  receive(line: number, message: unknown): void;
}

interface End {
  readonly line: number;
  readonly session: string;
  readonly direction: "out" | "in";
  readonly address: string;
  /** The process at the other side, when it was found. */
  peer: string | undefined;
  attempt: number;
  isUp: boolean;
  heardMs: number;
}

type Word = "open" | "opened" | "beat" | "data" | "bye";
type Frame = readonly [word: Word, session: string, attempt: number, body?: unknown];

export const LINE_BEAT_MS = 200;
/** A line that was silent for so long is lost. */
export const LINE_SILENCE_MS = 4 * LINE_BEAT_MS;
const OPEN_MS = 300;
/** How soon a loop that was blocked hears what has come meanwhile. */
const CATCH_UP_MS = 20;
/** How long a side that was dialled remembers a line that is lost. */
const RESUME_MS = 3_000;

/**
 * The lines of one simulated process: a connection is opened again and again until it is there,
 * and lost when the I/O threads of both sides hear nothing of each other. They do so while the loop
 * above is blocked, but not while the process stands still. Messages may be lost, come twice and
 * overtake each other, as no real session would let them.
 */
export class SimulatedLines {
  readonly #host: Host;
  readonly #events: LineEvents;
  /** Which process listens at an address now. */
  readonly #directory: ReadonlyMap<string, string>;
  readonly #ends = new Map<string, End>();
  readonly #life: number;
  readonly #untold: (() => void)[] = [];
  #blockedUntilMs = 0;

  constructor(
    host: Host,
    parts: {
      readonly events: LineEvents;
      readonly directory: ReadonlyMap<string, string>;
      readonly life: number;
    },
  ) {
    this.#host = host;
    this.#events = parts.events;
    this.#directory = parts.directory;
    this.#life = parts.life;
    host.every(LINE_BEAT_MS, () => this.#beat());
    host.every(OPEN_MS, () => this.#open());
    host.every(CATCH_UP_MS, () => this.#catchUp());
  }

  /** The loop above hears nothing for so long; the I/O thread goes on. */
  block(forMs: number): void {
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, this.#host.nowMs + forMs);
  }

  get isBlocked(): boolean {
    return this.#host.nowMs < this.#blockedUntilMs;
  }

  dial(line: number, address: string): void {
    const session = `${this.#host.name}/${this.#life}/${line}`;
    const state = { peer: undefined, attempt: 0, isUp: false, heardMs: 0 };
    this.#ends.set(session, { line, session, direction: "out", address, ...state });
    this.#host.after(1, () => this.#open());
  }

  hangUp(line: number): void {
    for (const end of this.#ends.values()) {
      if (end.line !== line || end.direction !== "out") continue;
      this.#say(end, "bye");
      this.#ends.delete(end.session);
    }
  }

  send(line: number, message: unknown): void {
    for (const end of this.#ends.values())
      if (end.line === line && end.isUp) this.#say(end, "data", message);
  }

  /** For the network. */
  receive(from: string, [bytes]: readonly Buffer[]): void {
    const [word, session, attempt, body] = JSON.parse(String(bytes)) as Frame;
    const end = this.#ends.get(session);
    if (word === "open") this.#opened(from, session, attempt);
    else if (end === undefined || end.attempt !== attempt) return;
    else if (word === "bye") this.#close(end);
    else if (word === "opened") this.#up(end, from);
    else if (end.isUp) this.#heard(end, word, body);
  }

  #heard(end: End, word: Word, body: unknown): void {
    end.heardMs = this.#host.nowMs;
    if (word === "data") this.#tell(() => this.#events.receive(end.line, body));
  }

  /** Somebody opens a line here, or again one that was lost. */
  #opened(from: string, session: string, attempt: number): void {
    const known = this.#ends.get(session);
    if (known !== undefined && attempt < known.attempt) return;
    if (known?.attempt === attempt && known.isUp) {
      this.#say(known, "opened");
      return;
    }
    if (known !== undefined) {
      known.attempt = attempt;
      if (known.isUp) this.#down(known);
      this.#up(known, from);
      this.#say(known, "opened");
      return;
    }
    // The I/O thread accepts; the loop hears of it when it is free.
    const nowMs = this.#host.nowMs;
    this.#tell(() => {
      if (this.#ends.has(session)) return;
      const line = this.#events.accepted();
      if (line === undefined) return;
      const state = { peer: from, attempt, isUp: true, heardMs: Math.max(nowMs, this.#host.nowMs) };
      const end: End = { line, session, direction: "in", address: "", ...state };
      this.#ends.set(session, end);
      this.#say(end, "opened");
      this.#events.up(line);
    });
  }

  #up(end: End, from: string): void {
    end.peer = from;
    end.heardMs = this.#host.nowMs;
    if (end.isUp) return;
    end.isUp = true;
    this.#tell(() => this.#events.up(end.line));
  }

  #down(end: End): void {
    end.isUp = false;
    this.#tell(() => this.#events.down(end.line));
  }

  #close(end: End): void {
    if (end.direction === "out") {
      if (end.isUp) this.#down(end);
      end.attempt++;
      return;
    }
    this.#ends.delete(end.session);
    this.#tell(() => this.#events.closed(end.line));
  }

  #beat(): void {
    const { nowMs } = this.#host;
    for (const end of this.#ends.values()) {
      const silentMs = nowMs - end.heardMs;
      if (end.isUp && silentMs > LINE_SILENCE_MS) this.#lost(end);
      else if (end.isUp) this.#say(end, "beat");
      else if (end.direction === "in" && silentMs > RESUME_MS) this.#close(end);
    }
  }

  #lost(end: End): void {
    this.#down(end);
    if (end.direction === "out") end.attempt++;
  }

  #open(): void {
    for (const end of this.#ends.values()) {
      if (end.direction === "in" || end.isUp) continue;
      end.peer = this.#directory.get(end.address);
      this.#say(end, "open");
    }
  }

  #say({ peer, session, attempt }: End, word: Word, body?: unknown): void {
    if (peer === undefined) return;
    const frame: Frame = [word, session, attempt, body];
    this.#host.send(peer, [Buffer.from(JSON.stringify(frame))]);
  }

  /** Tells the loop, when it is free, in order. */
  #tell(run: () => void): void {
    this.#untold.push(run);
    this.#catchUp();
  }

  #catchUp(): void {
    while (!this.isBlocked) {
      const run = this.#untold.shift();
      if (run === undefined) return;
      run();
    }
  }
}
