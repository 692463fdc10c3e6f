import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Keyring } from "@zeroplane/link";
import { CliError } from "../cli-error.ts";
import { addressesOf, type WantedPorts } from "./addresses.ts";
import { KEY_NAMES, type Member, mainOf, membersOf, type Sizes, specOf } from "./members.ts";
import { LOCK_NAME, PidLock } from "./pid-lock.ts";
import { PlatformFile, type PlatformRecord, recordOf } from "./platform-file.ts";
import { endLeftovers, PROCESSES_NAME, Processes } from "./processes.ts";
import { awaitReady } from "./readiness.ts";
import type { Crash } from "./supervised.ts";

/** What is to be launched. */
export interface LaunchOptions {
  /** Folder of everything the platform keeps. */
  readonly dataFolder: string;
  readonly sizes: Sizes;
  readonly ports: WantedPorts;
}

/** What is told of a launch. */
export interface LaunchEvents {
  started(nodes: readonly string[]): void;
  ready(node: string): void;
  crashed(crash: Crash): void;
}

const READY_MS = 30_000;
const EXIT_USAGE = 2;
const CRASHES_MAX = 3;
const LAST_LINES = 8;

/** A platform on this machine: every process of it, from its first start to its end. */
export class Launcher implements AsyncDisposable {
  readonly dataFolder: string;
  readonly #options: LaunchOptions;
  readonly #events: LaunchEvents;
  readonly #lock: PidLock;
  readonly #processes: Processes;
  readonly #failed = new AbortController();
  #stages: readonly (readonly Member[])[] = [];
  #isReady = false;

  /**
   * Takes the data folder, which is made when it is not there.
   * @throws CliError ERR_CLI_RUNNING when a platform runs in it
   */
  constructor(options: LaunchOptions, events: LaunchEvents) {
    this.dataFolder = resolve(options.dataFolder);
    this.#options = options;
    this.#events = events;
    mkdirSync(join(this.dataFolder, "logs"), { recursive: true, mode: 0o700 });
    this.#lock = PidLock.take(join(this.dataFolder, LOCK_NAME));
    const file = join(this.dataFolder, PROCESSES_NAME);
    this.#processes = new Processes(file, (crash) => this.#crashed(crash));
  }

  /**
   * Starts every process and waits until all are ready.
   * @throws CliError ERR_CLI_PORT when a port that was asked for is taken, ERR_CLI_START when a
   *   process ends again and again, or is not ready after 30 s
   */
  async start(signal: AbortSignal): Promise<PlatformRecord> {
    await endLeftovers(join(this.dataFolder, PROCESSES_NAME));
    this.#stages = membersOf(this.#options.sizes, mainOf("console") !== undefined);
    const record = await this.#prepare(this.#stages.flat());
    signal.throwIfAborted();
    for (const node of record.nodes) this.#processes.start(specOf(node, record, this.dataFolder));
    this.#events.started(record.nodes.map(({ node }) => node));
    const either = AbortSignal.any([signal, this.#failed.signal]);
    const onReady = (node: string): void => this.#events.ready(node);
    await awaitReady(record, { signal: either, timeoutMs: READY_MS, onReady }).catch((error) => {
      this.#failed.signal.throwIfAborted();
      throw error;
    });
    this.#isReady = true;
    return record;
  }

  /** Ends everything now. */
  kill(): void {
    this.#processes.kill();
  }

  /** Stops everything in order: who was started last goes first. */
  async [Symbol.asyncDispose](): Promise<void> {
    const stages = this.#stages.map((stage) => stage.map(({ node }) => node));
    await this.#processes.stop(stages.toReversed());
    this.#lock[Symbol.dispose]();
  }

  async #prepare(members: readonly Member[]): Promise<PlatformRecord> {
    for (const { service } of members) {
      if (mainOf(service) !== undefined) continue;
      throw new CliError("ERR_CLI_START", `${service} is not installed beside this zp`);
    }
    const keyring = new Keyring(join(this.dataFolder, "keys"));
    for (const name of KEY_NAMES) keyring.create(name);
    const file = new PlatformFile(this.dataFolder);
    const nodes = await addressesOf(members, this.#options.ports, file.read());
    const record = recordOf(keyring.folder, nodes);
    file.write(record);
    return record;
  }

  #crashed(crash: Crash): void {
    this.#events.crashed(crash);
    const { node, how, crashes, exitCode } = crash;
    if (this.#isReady || (crashes < CRASHES_MAX && exitCode !== EXIT_USAGE)) return;
    const lines = this.#processes.lastLines(node, LAST_LINES).map((line) => `\n  ${line}`);
    const text = `${node} does not start (${how}); it said:${lines.join("") || " nothing"}`;
    this.#failed.abort(new CliError("ERR_CLI_START", text));
  }
}
