import type { Routers } from "./routers.ts";
import type { Runners } from "./runners.ts";

/** What the platform is made of at the moment. */
export interface PlatformStatus {
  readonly routers: ReturnType<Routers["list"]>;
  readonly runners: ReturnType<Runners["list"]>;
  readonly builders: readonly {
    readonly node: string;
    readonly running: number;
    readonly up: boolean;
  }[];
  readonly builds: Readonly<Record<string, number>>;
}

/** The queue's own account of itself. */
interface QueueStats {
  readonly jobs: Readonly<Record<string, number>>;
  readonly workers: readonly {
    readonly name: string;
    readonly running: number;
    readonly up: boolean;
  }[];
}

/** The platform as a whole. */
export class Platform {
  readonly #routers: Routers;
  readonly #runners: Runners;
  readonly #queue: () => QueueStats;

  constructor(routers: Routers, runners: Runners, queue: () => QueueStats) {
    this.#routers = routers;
    this.#runners = runners;
    this.#queue = queue;
  }

  /** Routers, runners and builders that are there, and builds by state. */
  status(): PlatformStatus {
    const { jobs, workers } = this.#queue();
    return {
      routers: this.#routers.list(),
      runners: this.#runners.list(),
      builders: workers.map(({ name, running, up }) => ({ node: name, running, up })),
      builds: jobs,
    };
  }
}
