import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BuildJob, BuildProgress, BuildResult, DeployApi } from "@zeroplane/deploy-api";
import type { JobContext } from "@zeroplane/patterns";
import type { Connected } from "@zeroplane/rpc";
import { downloadFile, type LogLine, topicWord, uploadFile } from "@zeroplane/runtime";
import { inSpan } from "@zeroplane/tracing";
import { Build } from "./build.ts";
import type { BuildLine } from "./step-run.ts";

/** What a builder works with. */
export interface BuildJobsParts {
  readonly builder: string;
  /** Folder of work and caches. */
  readonly folder: string;
  readonly api: Connected<DeployApi>;
  /** Gets every line of every build. */
  readonly log: (topic: string, line: LogLine) => void;
}

/** Takes builds: brings the source, builds it, and stores the artifact. */
export class BuildJobs {
  readonly #parts: BuildJobsParts;

  constructor(parts: BuildJobsParts) {
    this.#parts = parts;
  }

  /** Runs one build. @throws BuildError when the source does not build */
  readonly run = async (job: BuildJob, context: JobContext): Promise<BuildResult> => {
    const { api, builder, folder } = this.#parts;
    const work = join(folder, "work");
    await mkdir(work, { recursive: true });
    const own = await mkdtemp(join(work, "job-"));
    try {
      const sourceFile = join(own, "source");
      const { signal } = context;
      await inSpan("fetch source", { "zp.app": job.app }, () =>
        downloadFile(api.blobs, job.source, { file: sourceFile, signal }),
      );
      await using build = new Build({
        sourceFile,
        workFolder: own,
        cacheFolder: join(folder, "cache"),
        builder,
        signal,
        onLine: (line) => this.#log(job, line),
        span: (name, attributes, fn) =>
          reported(context, name, () => inSpan(name, { "zp.app": job.app, ...attributes }, fn)),
      });
      const { result, artifactFile } = await build.run();
      await inSpan("store artifact", { "zp.bytes": result.sizeBytes }, () =>
        uploadFile(api.blobs, artifactFile),
      );
      return result;
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  };

  #log({ app, deployId }: BuildJob, { stream, line }: BuildLine): void {
    const topic = `build.${topicWord(app)}.${topicWord(deployId)}`;
    this.#parts.log(topic, { stream: stream === "stdout" ? "out" : "err", text: line });
  }
}

/** Tells the owner of the job when a step begins and ends. */
async function reported<T>(context: JobContext, step: string, run: () => Promise<T>): Promise<T> {
  const tell = (progress: BuildProgress): void => context.progress(progress);
  const startedAtMs = performance.now();
  tell({ step, status: "started" });
  try {
    const result = await run();
    tell({
      step,
      status: "finished",
      ms: performance.now() - startedAtMs,
      cached: result === true,
    });
    return result;
  } catch (error) {
    tell({ step, status: "failed", ms: performance.now() - startedAtMs });
    throw error;
  }
}
