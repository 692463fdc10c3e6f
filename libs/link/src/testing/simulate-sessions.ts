import { Kind, readHeader } from "../session/packet.ts";
import type { SessionSettings } from "../session/settings.ts";
import { Ledger } from "./ledger.ts";
import { Nemesis } from "./nemesis.ts";
import { SimulatedDialer, SimulatedListener, type Stage } from "./simulated-peers.ts";
import { World, type WorldOptions } from "./world.ts";

/** What one seed gave. */
export interface Simulation {
  readonly seed: number;
  /** Of every event; the same seed gives the same. */
  readonly hash: string;
  readonly events: number;
  /** Records that were sent and checked. */
  readonly records: number;
  readonly resets: number;
  readonly virtualMs: number;
  /** The promise that was broken, when one was. */
  readonly failure?: string;
}

const BEAT_MS = 500;
const RESUME_MS = 15_000;
/** Faults of this long in all cannot make a session lose anything. */
const GENTLE_MS = 8_000;
const HARSH_MS = 40_000;
const SETTLE_MS = RESUME_MS + 20 * BEAT_MS + 10_000;
/** The longest that anything is on its way, and a bit. */
const SLOW_END_MS = 2_100;
const REFUSING_MS = 2_000;
const QUIET_MS = 10_000;
const PENDING_MAX = 1_000;

/**
 * Runs sessions of a few dialers to one listener through faults (safety), then without (liveness).
 * It checks that records arrive in order and once or both sides learn of a reset, that after the
 * faults all that was said since the last reset arrives, that nothing is left over, and, where
 * the faults were short and nobody crashed, that there was no reset at all.
 */
export function simulateSessions(seed: number, options: WorldOptions = {}): Simulation {
  const run = new SessionRun(seed, options);
  let failure: string | undefined;
  try {
    run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  return { ...run.outcome(seed), ...(failure !== undefined && { failure }) };
}

function settingsOf({ random }: World, draft: boolean): SessionSettings {
  return {
    beatMs: BEAT_MS,
    resumeMs: RESUME_MS,
    helloMs: draft ? 5_000 : 250,
    windowBytes: random.pick([1_000, 10_000, 100_000]),
    windowPackets: random.pick([2, 16, 1_024]),
    queueBytesMax: random.pick([20_000, 200_000]),
  };
}

const KINDS = Object.entries(Kind);

/** The header of a packet in words; the frame before it numbers the connection. */
function describePacket([line, first]: readonly Buffer[]): string {
  const header = first && readHeader(first);
  if (line === undefined || header === undefined) return "garbage";
  const kind = KINDS.find(([, value]) => value === header.kind)?.[0] ?? header.kind;
  const { epoch, seq, ack, window } = header;
  const numbers = `epoch ${epoch} seq ${seq} ack ${ack} window ${window}`;
  return `line ${line.readUInt32BE()} ${kind} ${numbers} (${first?.length} bytes)`;
}

class SessionRun {
  readonly #world: World;
  readonly #stage: Stage;
  readonly #names: readonly string[];
  readonly #dialers = new Map<string, SimulatedDialer>();
  readonly #gentle: boolean;
  #listener: SimulatedListener | undefined;

  constructor(seed: number, options: WorldOptions) {
    const world = new World(seed, { describe: describePacket, ...options });
    const draft = world.random.chance(0.5);
    this.#world = world;
    this.#gentle = world.random.chance(0.4);
    this.#names = Array.from({ length: world.random.between(1, 3) }, (_, i) => `dialer${i}`);
    this.#stage = {
      ledger: new Ledger(),
      settings: settingsOf(world, draft),
      draft,
      lines: new Map(),
      ending: new Set(),
      refusing: false,
      busy: true,
    };
  }

  outcome(seed: number): Simulation {
    const { hash, events, clock } = this.#world;
    const { records } = this.#stage.ledger;
    return { seed, hash, events, records, resets: this.#resets(), virtualMs: clock.nowMs };
  }

  play(): void {
    const { random } = this.#world;
    this.#world.add("listener", (host) => this.#listen(host));
    for (const name of this.#names) this.#world.add(name, (host) => this.#dial(host));
    const nemesis = new Nemesis(this.#world, {
      nodes: ["listener", ...this.#names],
      links: this.#names.map((name) => [name, "listener"] as const),
      crashes: !this.#gentle,
      faultMsMax: this.#gentle ? GENTLE_MS : 2 * RESUME_MS,
      extra: [
        () => this.#disconnect(),
        () => this.#refuse(),
        ...(this.#gentle ? [] : [() => this.#bye()]),
      ],
    });
    nemesis.run(random.between(1_000, this.#gentle ? GENTLE_MS : HARSH_MS));
    this.#stage.refusing = false;
    this.#world.run(SETTLE_MS);
    this.#stage.busy = false;
    this.#world.run(QUIET_MS);
    this.#check();
  }

  #listen(host: ConstructorParameters<typeof SimulatedListener>[0]): SimulatedListener {
    for (const name of this.#stage.lines.keys()) this.#renew(name);
    this.#listener = new SimulatedListener(host, this.#stage);
    return this.#listener;
  }

  #dial(host: ConstructorParameters<typeof SimulatedDialer>[0]): SimulatedDialer {
    this.#dialers.delete(host.name);
    this.#renew(host.name);
    const dialer = new SimulatedDialer(host, this.#stage);
    this.#dialers.set(host.name, dialer);
    return dialer;
  }

  /**
   * The connection of a dialer ends, with all that is on its way, and another one begins. Now and
   * then the listener still reads for a while what the old one had brought.
   */
  #renew(name: string): void {
    const line = this.#stage.lines.get(name) ?? 0;
    const isSlow = this.#world.random.chance(0.5);
    this.#stage.lines.set(name, line + 1);
    if (isSlow) this.#stage.ending.add(`${name}/${line}`);
    else this.#world.network.drop(name, "listener");
    this.#world.network.drop("listener", name);
    this.#listener?.lost(name, line, isSlow ? SLOW_END_MS : 1);
    if (!this.#stage.draft) return;
    this.#dialers.get(name)?.lost();
    this.#dialers.get(name)?.connected();
  }

  #disconnect(): void {
    const name = this.#world.random.pick(this.#names);
    this.#world.note(`the connection of ${name} ends`);
    this.#renew(name);
  }

  #refuse(): void {
    const forMs = this.#world.random.between(1, REFUSING_MS);
    this.#world.note(`the listener lets nobody in for ${forMs} ms`);
    this.#stage.refusing = true;
    this.#world.clock.after(forMs, () => void (this.#stage.refusing = false));
  }

  #bye(): void {
    if (!this.#world.isUp("listener")) return;
    const sessions = [...(this.#listener?.board.entries() ?? [])];
    if (sessions.length === 0) return;
    this.#world.note("the listener closes a session");
    this.#world.random.pick(sessions).session.end.core.close(this.#world.clock.nowMs);
  }

  #resets(): number {
    return [...this.#dialers.values()].reduce((sum, { end }) => sum + end.resets, 0);
  }

  #check(): void {
    const { ledger } = this.#stage;
    const expect = (holds: boolean, what: string): void => {
      if (!holds) throw new Error(what);
    };
    const sessions = [...(this.#listener?.board.entries() ?? [])].map(({ session }) => session);
    for (const [name, { end, refused }] of this.#dialers) {
      expect(end.core.state === "up", `${name} is ${end.core.state} long after the faults`);
      expect(ledger.missing(end.stream) === 0, `${name}: ${ledger.missing(end.stream)} not there`);
      expect(end.core.outbox.isEmpty, `${name} still holds what was acknowledged`);
      expect(!end.isStuck, `${name} was never told that there is room again`);
      expect(refused === 0, `${name} refused ${refused} packets`);
    }
    for (const { end, refused } of sessions) {
      expect(end.core.state === "up", `a session is ${end.core.state} long after the faults`);
      expect(ledger.missing(end.stream) === 0, "a record of the listener did not arrive");
      expect(end.core.outbox.isEmpty, "the listener still holds what was acknowledged");
      expect(!end.isStuck, "the listener was never told that there is room again");
      expect(refused === 0, `the listener refused ${refused} packets of a session`);
    }
    expect(sessions.length === this.#names.length, `${sessions.length} sessions are left`);
    expect(this.#listener?.board.routes === this.#names.length, "routes are left");
    expect(this.#world.clock.pending < PENDING_MAX, "events pile up");
    const lost = this.#resets() + (this.#listener?.closed ?? 0);
    expect(!this.#gentle || lost === 0, `${lost} resets although nobody was away for long`);
  }
}
