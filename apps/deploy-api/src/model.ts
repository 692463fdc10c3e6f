/** Sha-256 of some bytes, 64 lower-case hex digits: the name under which the blob store keeps them. */
export type Digest = string;

/** One command of a build. */
export interface PlanStep {
  /** Short name: `install`, `build`. */
  readonly name: string;
  /** Program and arguments, started without a shell unless `shell` is true. */
  readonly command: readonly string[];
  readonly shell?: boolean;
  /** Wall-clock limit of the step, milliseconds. */
  readonly timeoutMs: number;
}

/** How an app is found alive. Without a `path` an accepted TCP connection is enough. */
export interface HealthCheck {
  readonly path?: string;
  /** How long a start may take until the first success, milliseconds (default 60 000). */
  readonly timeoutMs?: number;
}

/** What a builder decided to do with a source folder, and why. Plain data, kept with the release. */
export interface Plan {
  readonly provider: "node" | "python" | "static" | "custom";
  /** What was seen that led to this plan, one fact a line. */
  readonly evidence: readonly string[];
  readonly steps: readonly PlanStep[];
  /** Command lines by process type; `web` is the one that gets requests. Run by `/bin/sh -c`. */
  readonly processes: { readonly web: string } & Readonly<Record<string, string>>;
  readonly health: HealthCheck;
}

/** The job of queue `builds`. */
export interface BuildJob {
  readonly deployId: string;
  readonly app: string;
  /** The source tarball in the blob store. */
  readonly source: Digest;
}

/** How one step of a build went. */
export interface StepResult {
  readonly name: string;
  readonly ms: number;
  /** True when a cached result was used instead of running the command. */
  readonly cached: boolean;
}

/** What a finished build gives. */
export interface BuildResult {
  readonly artifact: Digest;
  readonly sizeBytes: number;
  readonly plan: Plan;
  readonly steps: readonly StepResult[];
  readonly buildMs: number;
  readonly builder: string;
}

/** One instance that ought to run. Key `instances/<runner>/<id>` of state `desired`. */
export interface DesiredInstance {
  readonly id: string;
  readonly app: string;
  readonly release: string;
  readonly deployId: string;
  readonly runner: string;
  readonly artifact: Digest;
  /** Command line of the process, run by `/bin/sh -c` in the unpacked artifact. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly health: HealthCheck;
  /** W3C trace context of the deploy that asked for it. */
  readonly traceparent?: string;
}

/** `starting` → `healthy` ⇄ `restarting`; `failed` never became healthy; `stopped` on request. */
export type InstanceState = "starting" | "healthy" | "restarting" | "failed" | "stopped";

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** What a runner sees of an instance; reported at each change. */
export interface ObservedInstance {
  readonly id: string;
  readonly app: string;
  readonly release: string;
  readonly runner: string;
  readonly state: InstanceState;
  /** Where it listens, once it was started. */
  readonly host?: string;
  readonly port?: number;
  readonly pid?: number;
  readonly restarts: number;
  readonly exit?: ProcessExit;
  /** Why it is not healthy, one line. */
  readonly reason?: string;
  /** Up to 100 last lines of output, oldest first, when it failed or restarted. */
  readonly lastLines?: readonly string[];
  /** What the probe saw, when it failed. */
  readonly probes?: readonly string[];
  /** Wall clock of the last change, milliseconds since 1970. */
  readonly atMs: number;
}

/** Where requests for one host name go. Key `routes/<host>` of state `routes`. */
export interface Route {
  readonly host: string;
  readonly app: string;
  readonly release: string;
  readonly instances: readonly {
    readonly id: string;
    readonly host: string;
    readonly port: number;
  }[];
}

/** Steps of a deploy, in order. */
export type Phase = "build" | "start" | "route" | "verify" | "retire";

/** `queued` and `running` go on; the others have ended. */
export type DeployState = "queued" | "running" | "live" | "failed" | "superseded";

/** Why a deploy failed. */
export interface DeployFailure {
  readonly phase: Phase;
  readonly code: string;
  /** One line: what is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** The traceback through every process it came through. */
  readonly traceback?: string;
  /** The last lines the build or the app printed. */
  readonly lastLines?: readonly string[];
}

/** One deploy of an app. Times are milliseconds since 1970. */
export interface Deploy {
  readonly id: string;
  readonly app: string;
  readonly source: Digest;
  readonly state: DeployState;
  readonly createdAtMs: number;
  readonly finishedAtMs?: number;
  /** Release it became, `v1`, `v2`, …, once it was built. */
  readonly release?: string;
  readonly build?: BuildResult;
  readonly failure?: DeployFailure;
  readonly traceId?: string;
  /** Where the app answers, once it is live. */
  readonly url?: string;
}

/** Something that happened to a deploy. */
export interface DeployEvent {
  /** Rises with each event of the platform. */
  readonly seq: number;
  readonly deployId: string;
  readonly atMs: number;
  readonly phase: Phase | "queued" | "done";
  readonly status: "started" | "progress" | "finished" | "failed";
  readonly message: string;
  /** How long the phase took, once it has finished. */
  readonly ms?: number;
}

/** An app. */
export interface App {
  readonly name: string;
  /** Where it was first deployed from: user, host and folder. */
  readonly origin: string;
  readonly createdAtMs: number;
  /** The release that gets requests. */
  readonly release?: string;
  readonly url?: string;
  readonly instances: readonly ObservedInstance[];
}

/** Progress a builder reports of a running build. */
export interface BuildProgress {
  readonly step: string;
  readonly status: "started" | "finished" | "failed";
  readonly ms?: number;
  readonly cached?: boolean;
}

/** What a failed build puts into its error's `data`. */
export interface BuildFailure {
  readonly step?: string;
  readonly hint?: string;
  readonly lastLines?: readonly string[];
}
