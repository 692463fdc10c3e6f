import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { DesiredInstance, Digest, ObservedInstance } from "@zeroplane/deploy-api";
import { Instance, type InstanceHost, type InstanceLine } from "./instance.ts";
import { PidJournal } from "./pid-journal.ts";
import { Ports, type PortsOptions } from "./ports.ts";
import { type FetchArtifact, Releases } from "./releases.ts";
import { TIMING, type Timing } from "./timing.ts";

/** What a {@link Supervisor} needs. */
export interface SupervisorOptions {
  /** Name of this runner. */
  readonly runner: string;
  /** Folder of this runner alone: releases, homes, journal. */
  readonly dataFolder: string;
  /** Brings an artifact to a file. */
  readonly fetchArtifact: FetchArtifact;
  /** Gets each line of each instance, at most 16 KiB long, up to its last. */
  readonly onLine: (line: InstanceLine) => void;
  /** Told at each change of an instance, the last time when it is stopped. */
  readonly onObserved: (observed: ObservedInstance) => void;
  readonly timing?: Partial<Timing>;
  readonly ports?: PortsOptions;
  /** Releases that nobody runs and that stay unpacked all the same (default 5). */
  readonly keepReleases?: number;
}

/**
 * Makes the instances of one host match what is desired. Level-triggered: it is told the whole list,
 * any number of times and in any order, and only the last one counts.
 */
export class Supervisor implements AsyncDisposable {
  readonly #host: InstanceHost;
  readonly #keepReleases: number;
  readonly #instances = new Map<string, Instance>();
  #desired: ReadonlyMap<string, DesiredInstance> = new Map();
  #sweeping: Promise<void> = Promise.resolve();

  private constructor(options: SupervisorOptions, journal: PidJournal) {
    const { runner, dataFolder, onLine, onObserved } = options;
    this.#keepReleases = options.keepReleases ?? 5;
    this.#host = {
      runner,
      journal,
      onLine,
      onObserved,
      homes: join(dataFolder, "homes"),
      releases: new Releases(join(dataFolder, "releases"), options.fetchArtifact),
      ports: new Ports(options.ports),
      timing: { ...TIMING, ...options.timing },
    };
  }

  /**
   * Ends what an earlier run of this runner left behind, then gives a supervisor with no instances.
   * @param options name, folder and where everything goes
   */
  static async open(options: SupervisorOptions): Promise<Supervisor> {
    const journal = new PidJournal(join(options.dataFolder, "pids.json"));
    await journal.endLeftovers(options.timing?.stopMs ?? TIMING.stopMs);
    return new Supervisor(options, journal);
  }

  /**
   * Starts what is missing and stops what is not wanted or wanted otherwise. Returns at once; what
   * happens is told to `onObserved`.
   * @param desired everything that ought to run here
   */
  reconcile(desired: readonly DesiredInstance[]): void {
    this.#desired = new Map(desired.map((instance) => [instance.id, instance]));
    this.#apply();
  }

  /** What is seen of every instance that is not yet gone. */
  observed(): ObservedInstance[] {
    return [...this.#instances.values()].map((instance) => instance.observed);
  }

  /** Stops every instance and waits until they are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.reconcile([]);
    this.#host.releases.close();
    await Promise.all([...this.#instances.values()].map((instance) => instance.stop()));
    await this.#sweeping;
  }

  #apply(): void {
    for (const [id, instance] of this.#instances) {
      if (instance.isStopping || isSame(instance.desired, this.#desired.get(id))) continue;
      // Its place stays taken until it is gone; then the list of that time decides anew.
      void instance.stop().then(() => this.#onStopped(id));
    }
    for (const [id, desired] of this.#desired) {
      if (this.#instances.has(id)) continue;
      const instance = new Instance(desired, this.#host);
      this.#instances.set(id, instance);
      instance.start();
    }
  }

  #onStopped(id: string): void {
    this.#instances.delete(id);
    this.#apply();
    const isInUse = (digest: Digest): boolean =>
      [...this.#instances.values()].some(({ desired }) => desired.artifact === digest);
    const sweep = (): Promise<void> => this.#host.releases.sweep(isInUse, this.#keepReleases);
    // What cannot be removed now is tried again at the next stop.
    this.#sweeping = this.#sweeping.then(sweep).catch(() => {});
  }
}

/** Whether two wishes ask for the same process; who asked, and on which trace, does not matter. */
function isSame(running: DesiredInstance, wanted: DesiredInstance | undefined): boolean {
  if (wanted === undefined) return false;
  const essence = ({ app, release, artifact, command, env, health }: DesiredInstance): object => ({
    app,
    release,
    artifact,
    command,
    env: { ...env },
    health: { ...health },
  });
  return isDeepStrictEqual(essence(running), essence(wanted));
}
