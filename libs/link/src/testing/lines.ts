import { KNOCK, LOST } from "../session/packet.ts";
import { Session, type VerbAcceptor } from "../session/session.ts";
import { SESSION_DEFAULTS, type SessionSettings } from "../session/settings.ts";
import { Switchboard } from "../session/switchboard.ts";
import type { Host, World } from "./world.ts";

const LISTENER = "listener";
const SESSIONS_MAX = 64;
/** Few numbers, so that a listener that comes back often draws those of before. */
const FIRST_EPOCHS = 3;

/**
 * Real sessions of simulated processes: a listening one and those that dial it, over connections
 * that may end. For code above sessions; needs {@link VirtualTime}.
 */
export class Lines {
  readonly #world: World;
  readonly #settings: SessionSettings;
  readonly #draft: boolean;
  readonly #numbers = new Map<string, number>();
  readonly #dialled = new Map<string, Session>();
  readonly #ended: Session[] = [];
  #board: Switchboard<Session> | undefined;
  #accepted: Session[] = [];

  constructor(world: World, settings: Partial<SessionSettings>) {
    this.#world = world;
    this.#draft = world.random.chance(0.5);
    const helloMs = this.#draft ? 5_000 : 250;
    this.#settings = { ...SESSION_DEFAULTS, helloMs, ...settings };
  }

  /** The listening process; `boot` says at each start what it offers. */
  listen(boot: (host: Host) => ReadonlyMap<number, VerbAcceptor>): void {
    this.#world.add(LISTENER, (host) => {
      this.#bury(this.#accepted);
      this.#accepted = [];
      for (const name of this.#numbers.keys()) this.cut(name);
      const acceptors = boot(host);
      this.#board = new Switchboard<Session>({
        sessionsMax: SESSIONS_MAX,
        admits: () => true,
        foreign: () => undefined,
        open: (hello, send) => this.#accept(hello.session, send, acceptors),
        send: ([route, ...frames]) => this.#answer(host, String(route), frames),
        firstEpoch: host.random.between(0, FIRST_EPOCHS),
      });
      return { receive: (from, message) => this.#arrived(from, message) };
    });
  }

  /** A process that dials; `boot` runs at each start, when its session is there. */
  dial(name: string, boot: (host: Host) => void): void {
    this.#world.add(name, (host) => {
      const before = this.#dialled.get(name);
      if (before !== undefined) this.#bury([before]);
      this.#dialled.delete(name);
      this.cut(name);
      const session = new Session("dialer", {
        identity: { node: name, newSession: () => host.random.bytes(16) },
        settings: this.#settings,
        send: (frames) => this.#send(host, frames),
        endpoint: "sim://listener",
      });
      this.#dialled.set(name, session);
      if (this.#draft) this.#send(host, [KNOCK]);
      session.dial();
      boot(host);
      return { receive: (_from, [line, ...frames]) => this.#heard(name, line, frames) };
    });
  }

  /** The session that `name` has dialled. */
  session(name: string): Session {
    const session = this.#dialled.get(name);
    if (session === undefined) throw new RangeError(`${name} has dialled nobody`);
    return session;
  }

  /** The connection of `name` ends, with all that is on its way, and another one begins. */
  cut(name: string): void {
    const number = this.#numbers.get(name) ?? 0;
    this.#numbers.set(name, number + 1);
    this.#world.network.drop(name, LISTENER);
    this.#world.network.drop(LISTENER, name);
    if (!this.#draft) return;
    this.#world.clock.after(1, () => {
      this.#board?.receive(Buffer.from(`${name}/${number}`), [LOST]);
      this.#dialled.get(name)?.receive([LOST]);
    });
  }

  /** Ends everything, so that nothing of it lives on in the process. */
  close(): void {
    for (const session of [...this.#dialled.values(), ...this.#accepted, ...this.#ended])
      session.end();
  }

  /** Sessions of a process that is gone: nothing they send goes anywhere. */
  #bury(sessions: readonly Session[]): void {
    this.#ended.push(...sessions);
    for (const session of sessions) session.end();
  }

  #accept(
    id: Uint8Array,
    send: (frames: readonly Uint8Array[]) => void,
    acceptors: ReadonlyMap<number, VerbAcceptor>,
  ): Session {
    const board = (): Switchboard<Session> | undefined => this.#board;
    const session = new Session("acceptor", {
      identity: { node: LISTENER, newSession: () => id },
      settings: this.#settings,
      send,
      endpoint: "sim://listener",
      acceptors,
    });
    session.watch((state) => {
      if (state === "closed") board()?.forget(id);
    });
    this.#accepted.push(session);
    return session;
  }

  #send(host: Host, frames: readonly Uint8Array[]): void {
    const line = Buffer.alloc(4);
    line.writeUInt32BE(this.#numbers.get(host.name) ?? 0);
    host.send(LISTENER, [line, ...frames]);
  }

  #answer(host: Host, route: string, frames: readonly Uint8Array[]): void {
    const [name = "", number] = route.split("/");
    if (Number(number) !== this.#numbers.get(name)) {
      host.after(0, () => this.#board?.unreachable(Buffer.from(route)));
      return;
    }
    const line = Buffer.alloc(4);
    line.writeUInt32BE(Number(number));
    host.send(name, [line, ...frames]);
  }

  #arrived(from: string, [line, ...frames]: readonly Buffer[]): void {
    const number = line?.readUInt32BE();
    if (number !== this.#numbers.get(from)) return;
    this.#board?.receive(Buffer.from(`${from}/${number}`), frames);
  }

  #heard(name: string, line: Buffer | undefined, frames: readonly Buffer[]): void {
    if (line?.readUInt32BE() !== this.#numbers.get(name)) return;
    this.#dialled.get(name)?.receive(frames);
  }
}
