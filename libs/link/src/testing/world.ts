import { Clock } from "./clock.ts";
import { Disk } from "./disk.ts";
import { type Message, Network } from "./network.ts";
import { Random } from "./random.ts";

/** What one simulated process has of the world. Nothing of it works after the process crashed. */
export interface Host {
  readonly name: string;
  readonly random: Random;
  /** Survives a crash, but for what was not synced. */
  readonly disk: Disk;
  readonly nowMs: number;
  /** Runs `run` once, after `delayMs`. */
  after(delayMs: number, run: () => void): void;
  /** Runs `run` again and again. */
  every(periodMs: number, run: () => void): void;
  /** Sends a message to another host, as the network allows. */
  send(to: string, message: Message): void;
}

/** A process: any core, and the few lines that put it on a {@link Host}. */
export interface Program {
  /** A message has come. */
  receive(from: string, message: readonly Buffer[]): void;
}

/** Starts a process, again after each crash. */
export type Boot = (host: Host) => Program;

/** Options of a {@link World}. */
export interface WorldOptions {
  /** Called with a line for each event. */
  readonly trace?: ((line: string) => void) | undefined;
  /** Says what a message is, for the trace. */
  readonly describe?: (message: readonly Buffer[]) => string;
}

interface Node {
  readonly name: string;
  readonly boot: Boot;
  readonly disk: Disk;
  life: number;
  program: Program | undefined;
  pausedUntilMs: number;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** Enough to tell two messages apart, and quick. */
const HASHED_BYTES = 24;

/**
 * A few processes, their disks and the network between them, in one thread and in virtual time:
 * everything that happens follows from the seed.
 */
export class World {
  readonly clock = new Clock();
  readonly random: Random;
  readonly network: Network;
  readonly #nodes = new Map<string, Node>();
  readonly #trace: WorldOptions["trace"];
  readonly #describe: WorldOptions["describe"];
  #hash = FNV_OFFSET;
  #events = 0;

  constructor(seed: number, options: WorldOptions = {}) {
    this.random = new Random(seed);
    this.network = new Network(this.clock, this.random);
    this.#trace = options.trace;
    this.#describe = options.describe;
  }

  /** Same seed, same program: same hash (FNV-1a of every event). */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** Messages delivered, timers run and faults done so far. */
  get events(): number {
    return this.#events;
  }

  /** Adds a process and starts it. */
  add(name: string, boot: Boot): void {
    const disk = new Disk(this.random);
    const node: Node = { name, boot, disk, life: 0, program: undefined, pausedUntilMs: 0 };
    this.#nodes.set(name, node);
    this.restart(name);
  }

  /** The process ends without a word; unsynced writes are lost, kept or torn. */
  crash(name: string): void {
    const node = this.#node(name);
    if (node.program === undefined) return;
    this.note(`${name} crashes`);
    node.program = undefined;
    node.life++;
    node.disk.crash();
  }

  /** Starts it again, unless it runs. */
  restart(name: string): void {
    const node = this.#node(name);
    if (node.program !== undefined) return;
    this.note(`${name} starts`);
    node.pausedUntilMs = 0;
    node.program = node.boot(this.#host(node));
  }

  /** The process stands still for `forMs`; what comes meanwhile waits for it. */
  pause(name: string, forMs: number): void {
    this.note(`${name} pauses for ${forMs} ms`);
    this.#node(name).pausedUntilMs = this.clock.nowMs + forMs;
  }

  /** True when the host runs. */
  isUp(name: string): boolean {
    return this.#node(name).program !== undefined;
  }

  /** Lets time pass. */
  run(forMs: number): void {
    const untilMs = this.clock.nowMs + forMs;
    while (this.clock.step(untilMs));
  }

  /** Puts an event into the hash and the trace. */
  note(text: string): void {
    this.#events++;
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    this.#tell(text);
  }

  #node(name: string): Node {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new RangeError(`no node ${name}`);
    return node;
  }

  #host(node: Node): Host {
    const { clock } = this;
    const { life } = node;
    const after = (delayMs: number, run: () => void): void =>
      clock.after(delayMs, () => this.#live(node, life, run));
    const every = (periodMs: number, run: () => void): void =>
      after(periodMs, () => {
        run();
        every(periodMs, run);
      });
    return {
      name: node.name,
      random: this.random,
      disk: node.disk,
      get nowMs() {
        return clock.nowMs;
      },
      after,
      every,
      send: (to, message) => {
        if (node.life === life) this.#send(node.name, to, message);
      },
    };
  }

  /** Runs something of a process, later when it stands still, never when it has ended. */
  #live(node: Node, life: number, run: () => void): void {
    if (node.life !== life) return;
    const waitMs = node.pausedUntilMs - this.clock.nowMs;
    if (waitMs <= 0) run();
    else this.clock.after(waitMs, () => this.#live(node, life, run));
  }

  #send(from: string, to: string, message: Message): void {
    const frames = message.map((frame) => Buffer.from(frame));
    this.network.send(from, to, () => {
      const node = this.#node(to);
      if (node.program === undefined) return;
      this.#live(node, node.life, () => this.#deliver(from, node, { frames, message }));
    });
  }

  #deliver(
    from: string,
    node: Node,
    { frames, message }: { frames: readonly Buffer[]; message: Message },
  ): void {
    const about = this.#trace && this.#describe ? this.#describe(frames) : "";
    this.#events++;
    this.#tell(`${from} > ${node.name}  ${about}`);
    this.#mix(this.clock.nowMs);
    for (const [index, frame] of frames.entries()) {
      // libzmq sends without a copy: who writes into a frame later changes what arrives.
      if (!frame.equals(message[index] ?? frame)) throw new Error("a sent frame was written to");
      this.#mix(frame.length);
      for (const byte of frame.subarray(0, HASHED_BYTES)) this.#mix(byte);
    }
    node.program?.receive(from, frames);
  }

  #tell(text: string): void {
    this.#trace?.(`${this.clock.nowMs.toFixed(0).padStart(8)} ms  ${text}`);
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, FNV_PRIME);
  }
}
