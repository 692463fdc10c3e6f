import { codeOf } from "../errors.ts";
import { SessionCore } from "../session/core.ts";
import type { Hello } from "../session/hello.ts";
import { KNOCK, LOST } from "../session/packet.ts";
import { type SessionSettings, TICK_MS } from "../session/settings.ts";
import { Switchboard } from "../session/switchboard.ts";
import type { Incoming, Ledger, Outgoing } from "./ledger.ts";
import type { Host, Program } from "./world.ts";

const VERB = 1;
const LISTENER = "listener";
/** A packet may be this long whatever the credit, when nothing else is in flight. */
const LARGEST_PACKET_BYTES = 64 * 1024;

/** What the simulated processes of one run share. */
export interface Stage {
  readonly ledger: Ledger;
  readonly settings: SessionSettings;
  /** True when libzmq tells the ends of connections. */
  readonly draft: boolean;
  /** Number of the connection that each dialer has now. */
  readonly lines: Map<string, number>;
  /** Connections whose end the listener has not seen yet: it still reads what came by them. */
  readonly ending: Set<string>;
  /** True while the listener lets nobody in. */
  refusing: boolean;
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
  #wantsRoom = false;
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
      deliver: (_verb: number, bytes: Buffer, start: number, end: number) =>
        this.#received(bytes.subarray(start, end)),
      state: (state: string) => state === "closed" && options.closed?.(),
      reset: () => this.#reset(),
      schedule: () => host.after(0, () => this.core.turned(host.nowMs)),
      room: () => void (this.#wantsRoom = false),
      refused: () => undefined,
    };
    const identity = { node: host.name, newSession };
    this.core = new SessionCore(role, identity, { settings: stage.settings, effects });
  }

  /** Number of the stream that this end sends now. */
  get stream(): number {
    return this.#outgoing.stream;
  }

  /** True when it was told that too much waits, and never that there is room again. */
  get isStuck(): boolean {
    return this.#wantsRoom;
  }

  /** A beat of the process. */
  tick(): void {
    this.core.tick(this.#host.nowMs);
    const { random } = this.#host;
    if (!this.#stage.busy) this.core.pause(false);
    else if (random.chance(0.02)) this.core.pause(!this.core.paused);
    this.#checkCredit();
    if (!this.#stage.busy || this.core.state === "closed" || !random.chance(0.2)) return;
    let left = random.between(1, 12);
    while (left > 0 && this.#say()) left--;
  }

  #checkCredit(): void {
    const { windowBytes, windowPackets } = this.#stage.settings;
    const { inFlightBytes, inFlightPackets } = this.core.outbox.stats();
    const fits = inFlightBytes <= Math.max(windowBytes, LARGEST_PACKET_BYTES);
    if (fits && inFlightPackets <= windowPackets) return;
    const inFlight = `${inFlightBytes} bytes in ${inFlightPackets} packets in flight`;
    throw new Error(`${this.#host.name} has ${inFlight}: beyond its credit`);
  }

  /** @returns false when the core takes no more for now */
  #say(): boolean {
    const { random } = this.#host;
    const body = this.#outgoing.next(random.chance(0.01) ? 17_000 : random.between(8, 400));
    try {
      if (this.core.outbox.append(VERB, body)) this.core.flush(this.#host.nowMs);
      this.#outgoing.accepted();
      return true;
    } catch (error) {
      if (codeOf(error) !== "ERR_LINK_OVERLOADED") throw error;
      this.#wantsRoom = true;
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
    if (this.end.core.receive(frames, this.#host.nowMs) !== undefined) this.refused++;
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
      admits: () => !stage.refusing,
      foreign: () => undefined,
      open: (hello, send) => this.#open(hello, send),
      send: (frames) => this.#send(frames),
      // Few numbers, so that a listener that comes back often draws those of before.
      firstEpoch: host.random.between(0, 3),
    });
    host.every(TICK_MS, () => this.#tick());
  }

  /** The connection of `dialer` with that number ended, and libzmq says so after `delayMs`. */
  lost(dialer: string, line: number, delayMs: number): void {
    const route = `${dialer}/${line}`;
    this.#host.after(delayMs, () => {
      this.#stage.ending.delete(route);
      if (this.#stage.draft) this.board.receive(Buffer.from(route), [LOST]);
    });
  }

  receive(from: string, [line, ...frames]: readonly Buffer[]): void {
    const number = line?.readUInt32BE();
    const route = `${from}/${number}`;
    if (number !== this.#stage.lines.get(from) && !this.#stage.ending.has(route)) return;
    this.board.receive(Buffer.from(route), frames);
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
      // Until libzmq has seen the end of a connection, what goes to it is lost in silence.
      if (this.#stage.ending.has(`${dialer}/${line}`)) return;
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
    if (this.end.core.receive(frames, this.#host.nowMs) !== undefined) this.refused++;
  }

  lineLost(): void {
    this.end.core.lineLost(this.#host.nowMs);
  }
}
