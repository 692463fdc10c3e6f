import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import type { BuildResult, Plan, PlanStep, StepResult } from "@zeroplane/deploy-api";
import { type Packed, packArtifact } from "./artifact.ts";
import { buildEnv } from "./build-env.ts";
import { asBuildError, BuildError, type BuildPhase } from "./build-error.ts";
import { DependencyLayers } from "./dependency-layers.ts";
import { detect } from "./detect.ts";
import { STATIC_SERVER, STATIC_SERVER_SOURCE } from "./detect-static.ts";
import { explain, phaseOf } from "./step-failure.ts";
import { type BuildLine, BuildOutput, runStep } from "./step-run.ts";
import { unpack } from "./unpack.ts";

/** What one build may use. */
export interface BuildLimits {
  /** Sum of the sizes of the source's files, bytes (default 512 MiB). */
  readonly sourceBytes: number;
  /** Files, folders and links of the source (default 100 000). */
  readonly files: number;
  /** Output that is handed on, bytes; what is over it is counted (default 10 MiB). */
  readonly outputBytes: number;
  /** Wall clock of one step, milliseconds; a step of the plan may ask for less (default 15 min). */
  readonly stepTimeoutMs: number;
  /** Dependency layers kept in the cache folder (default 20). */
  readonly cacheEntries: number;
}

/** Runs `fn` as one named piece of work; tracing makes a span of it. */
export type SpanFunction = <T>(
  name: string,
  attributes: Record<string, string | number | boolean>,
  fn: () => Promise<T>,
) => Promise<T>;

/** What a {@link Build} needs. */
export interface BuildOptions {
  /** The source archive: `.tar.gz`, `.tar.zst` or `.tar`. */
  readonly sourceFile: string;
  /** The build makes a folder of its own in here and removes it when disposed. */
  readonly workFolder: string;
  /** Kept between builds: dependency layers and downloads. */
  readonly cacheFolder: string;
  /** Name of this builder, shown to the user. */
  readonly builder: string;
  readonly limits?: Partial<BuildLimits>;
  /** Cancels the build: its processes get SIGTERM and, 2 s later, SIGKILL. */
  readonly signal?: AbortSignal;
  /** Gets every line the steps print, at most 16 KiB each. */
  readonly onLine?: (line: BuildLine) => void;
  readonly span?: SpanFunction;
}

/** A finished build: what goes into the records, and the file with the artifact. */
export interface FinishedBuild {
  readonly result: BuildResult;
  /** Lies in the work folder, until the build is disposed. */
  readonly artifactFile: string;
}

const DEFAULTS: BuildLimits = {
  sourceBytes: 512 * 1024 * 1024,
  files: 100_000,
  outputBytes: 10 * 1024 * 1024,
  stepTimeoutMs: 15 * 60_000,
  cacheEntries: 20,
};

/**
 * One build: unpack, detect, run the steps, pack. The same source gives the same artifact, byte by
 * byte, as far as its own build steps do. Dispose it after the artifact was taken away.
 */
export class Build implements AsyncDisposable {
  readonly #options: BuildOptions;
  readonly #limits: BuildLimits;
  readonly #signal: AbortSignal;
  readonly #output: BuildOutput;
  readonly #layers: DependencyLayers;
  #folder: string | undefined;

  /** @param options what to build and where */
  constructor(options: BuildOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULTS, ...options.limits };
    this.#signal = options.signal ?? new AbortController().signal;
    this.#output = new BuildOutput(options.onLine ?? (() => {}), this.#limits.outputBytes);
    this.#layers = new DependencyLayers(
      join(options.cacheFolder, "layers"),
      this.#limits.cacheEntries,
    );
  }

  /**
   * Builds. Call it once.
   * @throws BuildError whatever goes wrong; `ERR_BUILD_CANCELLED` after an abort
   */
  async run(): Promise<FinishedBuild> {
    const startedMs = performance.now();
    const source = await this.#phase("unpack", {}, () => this.#unpack());
    const plan = await this.#phase("detect", {}, () => detect(source));
    const steps: StepResult[] = [];
    for (const step of plan.steps) steps.push(await this.#step(step, source));
    const artifactFile = join(dirname(source), "artifact.tar.zst");
    const packed = await this.#phase("package", {}, () => this.#pack(plan, source, artifactFile));
    const buildMs = Math.round(performance.now() - startedMs);
    const { digest: artifact, sizeBytes } = packed;
    const { builder } = this.#options;
    return { result: { artifact, sizeBytes, plan, steps, buildMs, builder }, artifactFile };
  }

  /** Removes the build's folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #unpack(): Promise<string> {
    await mkdir(this.#options.workFolder, { recursive: true });
    this.#folder = await mkdtemp(join(this.#options.workFolder, "build-"));
    for (const name of ["source", "home", "tmp"]) await mkdir(join(this.#folder, name));
    const source = join(this.#folder, "source");
    await unpack(this.#options.sourceFile, source, this.#limits, this.#signal);
    return source;
  }

  async #step(step: PlanStep, source: string): Promise<StepResult> {
    const attributes = { step: step.name, command: step.command.join(" ") };
    const startedMs = performance.now();
    const cached = await this.#phase(phaseOf(step), attributes, async () => {
      const key = step.name === "install" ? await this.#layers.keyOf(source, step) : undefined;
      if (key !== undefined && (await this.#layers.restore(key, source))) {
        const line = "[zeroplane] dependencies are unchanged: taken from the cache";
        this.#output.push({ stream: "stdout", line, step: step.name });
        return true;
      }
      await this.#run(step, source);
      if (key !== undefined) await this.#layers.save(key, source);
      return false;
    });
    return { name: step.name, ms: Math.round(performance.now() - startedMs), cached };
  }

  async #run(step: PlanStep, source: string): Promise<void> {
    const folder = dirname(source);
    const end = await runStep(step, {
      cwd: source,
      env: buildEnv({
        home: join(folder, "home"),
        temporary: join(folder, "tmp"),
        downloads: join(this.#options.cacheFolder, "downloads"),
      }),
      timeoutMs: this.#limits.stepTimeoutMs,
      output: this.#output,
      signal: this.#signal,
    });
    this.#signal.throwIfAborted();
    if (end.code !== 0) throw explain(step, end);
  }

  async #pack(plan: Plan, source: string, file: string): Promise<Packed> {
    if (plan.processes.web.includes(STATIC_SERVER)) {
      const target = join(source, STATIC_SERVER);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(STATIC_SERVER_SOURCE, target);
    }
    return await packArtifact(source, file, this.#signal);
  }

  /** One phase as a span; what it throws becomes a {@link BuildError}. */
  async #phase<T>(
    phase: BuildPhase,
    attributes: Record<string, string | number | boolean>,
    fn: () => Promise<T>,
  ): Promise<T> {
    const work = async (): Promise<T> => {
      try {
        this.#signal.throwIfAborted();
        return await fn();
      } catch (error) {
        if (!this.#signal.aborted) throw asBuildError(error, phase);
        const message = `the build was cancelled during ${phase}`;
        throw new BuildError("ERR_BUILD_CANCELLED", message, { phase, cause: error });
      }
    };
    const name = attributes["step"] === undefined ? phase : `${phase} ${attributes["step"]}`;
    return this.#options.span === undefined
      ? await work()
      : await this.#options.span(name, attributes, work);
  }
}
