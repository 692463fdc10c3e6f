import { join } from "node:path";
import type { BuildJob, BuildResult, DeployApi } from "@zeroplane/deploy-api";
import { startWorker, type Worker } from "@zeroplane/patterns";
import type { Life } from "@zeroplane/runtime";
import { BuildJobs } from "./build-job.ts";
import type { Config } from "./config.ts";

/** What a builder says of itself. */
export class Builder {
  readonly #worker: Worker<BuildJob, BuildResult>;
  readonly #credit: number;

  constructor(worker: Worker<BuildJob, BuildResult>, credit: number) {
    this.#worker = worker;
    this.#credit = credit;
  }

  /** Builds that run now, and how many may at a time. */
  load(): { running: number; credit: number } {
    return { running: this.#worker.running, credit: this.#credit };
  }
}

/** Puts a builder together: a worker of the deploy API's queue. */
export function wire(life: Life<Config>): Builder {
  const { config, node, interceptors, lines } = life;
  const session = life.session("deploy-api", config.ZP_DEPLOY_API);
  const jobs = new BuildJobs({
    builder: node,
    folder: join(config.ZP_DATA),
    api: life.connect<DeployApi>("deploy-api", config.ZP_DEPLOY_API),
    log: (topic, line) => void lines?.put(topic, line),
  });
  const credit = config.ZP_BUILDS;
  const options = { credit, interceptors, node };
  const worker = startWorker<BuildJob, BuildResult>(session, "builds", jobs.run, options);
  life.check("deploy-api", () => session.ready(1_000));
  return new Builder(life.use(worker), credit);
}
