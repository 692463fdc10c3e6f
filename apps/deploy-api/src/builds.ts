import { hasEnded, type JobView, type Queue } from "@zeroplane/patterns";
import type { DeployRecord } from "./deploy-store.ts";
import type { BuildJob, BuildProgress, BuildResult } from "./model.ts";

type BuildJobView = JobView<BuildJob, BuildResult>;

/** How a build is followed. */
export interface BuildOptions {
  /** Hears one line at each step. */
  readonly progress: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Builds as jobs: any builder may take one; a builder that vanishes costs an attempt. */
export class Builds {
  readonly #queue: () => Queue<BuildJob, BuildResult>;
  readonly #watchers = new Map<string, (job: BuildJobView) => void>();
  readonly #progress = new Map<string, (message: string) => void>();

  /** @param queue the queue, whose changes and progress are given to `changed` and `progressed` */
  constructor(queue: () => Queue<BuildJob, BuildResult>) {
    this.#queue = queue;
  }

  /** For the queue: a job has changed. */
  changed(job: BuildJobView): void {
    this.#watchers.get(job.id)?.(job);
  }

  /** For the queue: a builder says how far it is. */
  progressed(id: string, value: unknown): void {
    this.#progress.get(id)?.(describe(value as BuildProgress));
  }

  /**
   * Builds the source of a deploy, or takes up the build that was going on.
   * @throws the builder's error, as RemoteError, once no attempt is left
   */
  async run(deploy: DeployRecord, { progress, signal }: BuildOptions): Promise<BuildResult> {
    const payload = { deployId: deploy.id, app: deploy.app, source: deploy.source };
    const ended = Promise.withResolvers<BuildJobView>();
    const job = await this.#queue().add(payload, { key: deploy.id });
    const watch = (each: BuildJobView): void => {
      if (each.state === "leased")
        progress(`${each.worker ?? "a builder"}, attempt ${each.attempt}`);
      if (each.state === "delayed")
        progress(`attempt ${each.attempt} failed: ${reasonOf(each)}; again`);
      if (hasEnded(each)) ended.resolve(each);
    };
    const aborted = (): void => ended.reject(signal.reason);
    this.#watchers.set(job.id, watch);
    this.#progress.set(job.id, progress);
    signal.addEventListener("abort", aborted, { once: true });
    try {
      const now = this.#queue().get(job.id);
      if (now !== undefined && now.state !== "ready") watch(now);
      return resultOf(await ended.promise);
    } finally {
      signal.removeEventListener("abort", aborted);
      this.#watchers.delete(job.id);
      this.#progress.delete(job.id);
    }
  }
}

function resultOf(job: BuildJobView): BuildResult {
  if (job.state === "done" && job.result !== undefined) return job.result;
  throw job.errors.at(-1) ?? new Error(`the build was ${job.state}`);
}

const reasonOf = (job: BuildJobView): string => job.errors.at(-1)?.message ?? "unknown";

function describe({ step, status, ms, cached }: BuildProgress): string {
  if (status === "started") return step;
  const took = ms === undefined ? "" : ` ${(ms / 1_000).toFixed(1)} s`;
  return `${step} ${status}${cached === true ? " (cached)" : ""}${took}`;
}
