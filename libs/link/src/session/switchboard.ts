import { decodeHello, encodeRefused, type Hello } from "./hello.ts";
import { HEADER_BYTES, Kind, RESET, readHeader, refusedPacket } from "./packet.ts";

/** What a switchboard asks of the sessions it connects. */
export interface Switched {
  accept(hello: Hello, epoch: number): void;
  receive(frames: readonly Buffer[]): void;
  lineLost(): void;
}

/** Another protocol on the socket of a listener, recognised by what its peers send. */
export interface ForeignHandler {
  /** One message of the connection `route`. @returns false when it is none of its own either */
  receive(route: Buffer, frames: readonly Buffer[]): boolean;
  /** The connection `route` has ended. */
  lost(route: Buffer): void;
}

/** What a switchboard asks of the world around it. */
export interface SwitchboardOptions<S> {
  /** Sessions at a time; further hellos are refused. */
  readonly sessionsMax: number;
  /** True when the hello's key is trusted and proved. */
  readonly admits: (hello: Hello) => boolean;
  /** Makes the session of a first hello; `send` reaches its dialer wherever it is by then. */
  readonly open: (hello: Hello, send: (frames: readonly Uint8Array[]) => void) => S;
  /** Sends one message; the first frame is the route. */
  readonly send: (frames: readonly Uint8Array[]) => void;
  /** Takes what is no packet of ours, when somebody speaks another protocol here. */
  readonly foreign: () => ForeignHandler | undefined;
  /** 16 random bits: the number of the first incarnation of a session; those after it count on. */
  readonly firstEpoch: number;
}

interface Entry<S> {
  readonly id: string;
  readonly session: S;
  readonly key: string | undefined;
  route: Buffer;
  attempt: number;
}

const HELLO_BYTES_MAX = 4 * 1024;

const text = (route: Uint8Array): string => Buffer.from(route).toString("latin1");
const idOf = (session: Uint8Array): string => Buffer.from(session).toString("hex");

/**
 * Which message belongs to which session of a listener, as a pure state machine. A route names a
 * connection, not a peer: a session moves to the route of its last hello.
 */
export class Switchboard<S extends Switched> {
  readonly #options: SwitchboardOptions<S>;
  readonly #byRoute = new Map<string, Entry<S>>();
  readonly #bySession = new Map<string, Entry<S>>();
  readonly #refused = new Map<string, number>();
  #epoch: number;

  constructor(options: SwitchboardOptions<S>) {
    this.#options = options;
    this.#epoch = options.firstEpoch;
  }

  /** Sessions that are open or may be resumed. */
  get size(): number {
    return this.#bySession.size;
  }

  /** Connections that have a session; never more than sessions. */
  get routes(): number {
    return this.#byRoute.size;
  }

  /** The sessions that are open or may be resumed, with the keys they came with. */
  *entries(): Generator<{ readonly session: S; readonly key: string | undefined }> {
    yield* this.#bySession.values();
  }

  /** What was refused so far, by reason. */
  refused(): Record<string, number> {
    return Object.fromEntries(this.#refused);
  }

  /** Counts something refused for `reason`. */
  refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  /** Takes one message of the connection `route`. Nothing a peer sends makes it throw. */
  receive(route: Buffer, frames: readonly Buffer[]): void {
    const known = this.#byRoute.get(text(route));
    const [first] = frames;
    const isHello = first?.[1] === Kind.hello;
    const header = first && (known === undefined || isHello) ? readHeader(first) : undefined;
    if (header === undefined) {
      if (known !== undefined) known.session.receive(frames);
      else if (this.#options.foreign()?.receive(route, frames) !== true) this.refuse("protocol");
    } else if (isHello) this.#hello(route, first?.subarray(HEADER_BYTES), header.epoch);
    else if (header.kind === Kind.lost) this.#options.foreign()?.lost(route);
    else if (header.kind !== Kind.bye) this.#options.send([route, RESET]);
  }

  /** The connection `route` cannot be reached any more. */
  unreachable(route: Uint8Array): void {
    const known = this.#byRoute.get(text(route));
    if (known === undefined) this.#options.foreign()?.lost(Buffer.from(route));
    else known.session.lineLost();
  }

  /** The session is over: what comes for it later is answered with a reset. */
  forget(session: Uint8Array): void {
    const entry = this.#bySession.get(idOf(session));
    if (entry === undefined) return;
    this.#bySession.delete(entry.id);
    this.#leave(entry);
  }

  #hello(route: Buffer, body: Buffer | undefined, epoch: number): void {
    const hello = this.#read(body, epoch);
    if (hello === undefined) return;
    const refusal = this.#refusal(hello);
    const entry =
      refusal === undefined
        ? (this.#bySession.get(idOf(hello.session)) ?? this.#create(hello, route))
        : undefined;
    if (entry === undefined) {
      this.#turnAway(route, hello.attempt, refusal ?? "sessions");
      return;
    }
    if (this.#isStale(entry, hello, route)) {
      this.refuse("stale");
      return;
    }
    entry.attempt = hello.attempt;
    this.#move(entry, route);
    // Two sessions of one connection must not share a number: what is on its way has no other name.
    this.#epoch = (this.#epoch + 1) & 0xffff;
    entry.session.accept(hello, this.#epoch);
  }

  #read(body: Buffer | undefined, epoch: number): Hello | undefined {
    try {
      if (body === undefined || body.length > HELLO_BYTES_MAX) throw new RangeError("hello size");
      return decodeHello(body, epoch);
    } catch {
      this.refuse("hello");
      return undefined;
    }
  }

  #refusal(hello: Hello): "key" | undefined {
    const entry = this.#bySession.get(idOf(hello.session));
    try {
      if (this.#options.admits(hello) && (entry?.key ?? hello.key) === hello.key) return undefined;
    } catch {
      // A key that cannot be checked lets nobody in.
    }
    return "key";
  }

  /** Says why, so that the dialer's user need not guess. */
  #turnAway(route: Buffer, attempt: number, reason: string): void {
    this.refuse(reason);
    this.#options.send([Buffer.from(route), refusedPacket(encodeRefused({ attempt, reason }))]);
  }

  /**
   * A hello that was overtaken by a later one would move the session to a dead connection; one
   * that somebody else repeats, to his.
   */
  #isStale(entry: Entry<S>, { attempt }: Hello, route: Buffer): boolean {
    if (attempt === entry.attempt) return !entry.route.equals(route);
    return attempt < entry.attempt;
  }

  #create(hello: Hello, route: Buffer): Entry<S> | undefined {
    if (this.#bySession.size >= this.#options.sessionsMax) return undefined;
    const send = (frames: readonly Uint8Array[]): void =>
      this.#options.send([entry.route, ...frames]);
    const session = this.#options.open(hello, send);
    const id = idOf(hello.session);
    const entry: Entry<S> = { id, session, key: hello.key, route, attempt: hello.attempt };
    this.#bySession.set(id, entry);
    return entry;
  }

  /** Gives `route` to `entry`, and takes it from the session that had it. */
  #move(entry: Entry<S>, route: Buffer): void {
    const before = this.#byRoute.get(text(route));
    if (before === entry) return;
    this.#leave(entry);
    entry.route = Buffer.from(route);
    this.#byRoute.set(text(route), entry);
    before?.session.lineLost();
  }

  #leave(entry: Entry<S>): void {
    const route = text(entry.route);
    // The dialer may have begun another session on the same connection.
    if (this.#byRoute.get(route) === entry) this.#byRoute.delete(route);
  }
}
