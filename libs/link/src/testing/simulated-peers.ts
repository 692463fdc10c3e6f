import { codeOf } from "../errors.ts";
import { SessionCore } from "../session/core.ts";
import type { Hello } from "../session/hello.ts";
import { KNOCK, LOST } from "../session/packet.ts";
import type { SessionSettings } from "../session/settings.ts";
import { Switchboard } from "../session/switchboard.ts";
import type { Incoming, Ledger, Outgoing } from "./ledger.ts";
import type { Host, Program } from "./world.ts";

const TICK_MS = 50;
const VERB = 1;
const LISTENER = "listener";

/** What the simulated processes of one run share. */
export interface Stage {
  readonly ledger: Ledger;
  readonly settings: SessionSettings;
  /** True when libzmq tells the ends of connections. */
  readonly draft: boolean;
  /** Number of the connection that each dialer has now. */
  readonly lines: Map<string, number>;
  /** True while the processes have something to say. */
  busy: boolean;
}

/** One end of a session: the core, and an application that numbers what it says. */
export class SimulatedEnd {
  readonly core: SessionCore;
  readonly #host: Host;
  readonly #stage: Stage;
  readonly #incoming: Incoming;
  #outgoing: Outgoing;
  resets = 0;

  constructor(
    role: "dialer" | "acceptor",
    stage: Stage,
    options: {
      readonly host: Host;
      readonly send: (frames: readonly Uint8Array[]) => void;
      readonly closed?: () => void;
    },
  ) {
    const { host } = options;
    this.#host = host;
    this.#stage = stage;
    this.#outgoing = stage.ledger.open();
    this.#incoming = stage.ledger.reader(host.name);
    const newSession = (): Uint8Array => host.random.bytes(16);
    const effects = {
      send: options.send,
      deliver: (_verb: number, body: Buffer) => this.#received(body),
      state: (state: string) => state === "closed" && options.closed?.(),
      reset: () => this.#reset(),
      schedule: () => host.after(0, () => this.core.flush(host.nowMs)),
    };
    const identity = { node: host.name, newSession };
    this.core = new SessionCore(role, identity, { settings: stage.settings, effects });
  }

  /** Number of the stream that this end sends now. */
  get stream(): number {
    return this.#outgoing.stream;
  }

  /** A beat of the process. */
  tick(): void {
    this.core.tick(this.#host.nowMs);
    const { random } = this.#host;
    if (!this.#stage.busy || this.core.state === "closed" || !random.chance(0.2)) return;
    let left = random.between(1, 12);
    while (left > 0 && this.#say()) left--;
  }

  /** @returns false when the core takes no more for now */
  #say(): boolean {
    const { random, nowMs } = this.#host;
    const body = this.#outgoing.next(random.chance(0.01) ? 17_000 : random.between(8, 400));
    try {
      this.core.append(VERB, body, nowMs);
      this.#outgoing.accepted();
      return true;
    } catch (error) {
      if (codeOf(error) !== "ERR_LINK_OVERLOADED") throw error;
      return false;
    }
  }

  #received(body: Buffer): void {
    this.#incoming.take(body);
    // An answer from within a delivery: the core must stand it.
    if (this.#stage.busy && this.#host.random.chance(0.2)) this.#say();
  }

  #reset(): void {
    this.resets++;
    this.#incoming.reset();
    this.#outgoing = this.#stage.ledger.open();
  }
}

/** A process that dials. */
export class SimulatedDialer implements Program {
  readonly end: SimulatedEnd;
  readonly #host: Host;
  readonly #stage: Stage;
  refused = 0;

  constructor(host: Host, stage: Stage) {
    this.#host = host;
    this.#stage = stage;
    const send = (frames: readonly Uint8Array[]): void => this.#send(frames);
    this.end = new SimulatedEnd("dialer", stage, { host, send });
    this.connected();
    this.end.core.dial(host.nowMs);
    host.every(TICK_MS, () => this.end.tick());
  }

  /** A new connection replaces the one before. */
  connected(): void {
    if (this.#stage.draft) this.#send([KNOCK]);
  }

  /** The connection ended, and libzmq says so. */
  lost(): void {
    this.#host.after(1, () => this.end.core.receive([LOST], this.#host.nowMs));
  }

  receive(_from: string, [line, ...frames]: readonly Buffer[]): void {
    if (line?.readUInt32BE() !== this.#stage.lines.get(this.#host.name)) return;
    if (!this.end.core.receive(frames, this.#host.nowMs)) this.refused++;
  }

  #send(frames: readonly Uint8Array[]): void {
    const line = Buffer.alloc(4);
    line.writeUInt32BE(this.#stage.lines.get(this.#host.name) ?? 0);
    this.#host.send(LISTENER, [line, ...frames]);
  }
}

/** A process that listens, with the very switchboard of a listener. */
export class SimulatedListener implements Program {
  readonly board: Switchboard<SimulatedAcceptor>;
  readonly #host: Host;
  readonly #stage: Stage;
  closed = 0;

  constructor(host: Host, stage: Stage) {
    this.#host = host;
    this.#stage = stage;
    this.board = new Switchboard({
      sessionsMax: 64,
      admits: () => true,
      open: (hello, send) => this.#open(hello, send),
      send: (frames) => this.#send(frames),
      newEpoch: () => host.random.between(0, 0xffff),
    });
    host.every(TICK_MS, () => this.#tick());
  }

  /** The connection of `dialer` with that number ended, and libzmq says so. */
  lost(dialer: string, line: number): void {
    const route = Buffer.from(`${dialer}/${line}`);
    this.#host.after(1, () => this.board.receive(route, [LOST]));
  }

  receive(from: string, [line, ...frames]: readonly Buffer[]): void {
    const number = line?.readUInt32BE();
    if (number !== this.#stage.lines.get(from)) return;
    this.board.receive(Buffer.from(`${from}/${number}`), frames);
  }

  #tick(): void {
    for (const { session } of this.board.entries()) session.end.tick();
  }

  #open(hello: Hello, send: (frames: readonly Uint8Array[]) => void): SimulatedAcceptor {
    const closed = (): void => {
      this.closed++;
      this.board.forget(hello.session);
    };
    const end = new SimulatedEnd("acceptor", this.#stage, { host: this.#host, send, closed });
    return new SimulatedAcceptor(end, this.#host);
  }

  #send([route, ...frames]: readonly Uint8Array[]): void {
    const [dialer = "", line = ""] = Buffer.from(route ?? [])
      .toString()
      .split("/");
    if (Number(line) !== this.#stage.lines.get(dialer)) {
      this.#host.after(0, () => this.board.unreachable(route ?? Buffer.alloc(0)));
      return;
    }
    const number = Buffer.alloc(4);
    number.writeUInt32BE(Number(line));
    this.#host.send(dialer, [number, ...frames]);
  }
}

/** An accepted session of the simulated listener. */
export class SimulatedAcceptor {
  readonly end: SimulatedEnd;
  readonly #host: Host;
  refused = 0;

  constructor(end: SimulatedEnd, host: Host) {
    this.end = end;
    this.#host = host;
  }

  accept(hello: Hello, epoch: number): void {
    this.end.core.accept(hello, epoch, this.#host.nowMs);
  }

  receive(frames: readonly Buffer[]): void {
    if (!this.end.core.receive(frames, this.#host.nowMs)) this.refused++;
  }

  lineLost(): void {
    this.end.core.lineLost(this.#host.nowMs);
  }
}
