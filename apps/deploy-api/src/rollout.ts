import type { State } from "@zeroplane/patterns";
import { currentTraceparent, inSpan, withTraceparent } from "@zeroplane/tracing";
import type { Builds } from "./builds.ts";
import type { DeployRecord, DeployStore } from "./deploy-store.ts";
import { toFailure } from "./failure.ts";
import { awaitHealthy } from "./health-wait.ts";
import type { InstanceRecord, InstanceStore } from "./instance-store.ts";
import type { BuildResult, Phase, Route } from "./model.ts";
import type { Placement } from "./placement.ts";
import type { Routers } from "./routers.ts";
import { verifyServed } from "./verification.ts";

/** What a rollout works with. */
export interface RolloutParts {
  readonly builds: Builds;
  readonly deploys: DeployStore;
  readonly instances: InstanceStore;
  readonly placement: Placement;
  readonly routes: State<Route>;
  readonly routers: Routers;
  /** Makes `release` the one of `app` that counts. */
  readonly setRelease: (app: string, release: string) => void;
  /** Lets go of an app that only failed deploys have made. */
  readonly dropUnborn: (app: string) => void;
}

const ROUTES_SEEN_MS = 10_000;
const START_MS = 60_000;
/** What a start may take beyond its own deadline: fetching and unpacking the artifact. */
const FETCH_MS = 60_000;

/**
 * Takes one deploy from its source to its first answered request. Every step can be done again, so
 * a rollout that was interrupted is simply run once more.
 *
 *     build → start → route → verify → retire
 */
export class Rollout {
  readonly #parts: RolloutParts;
  readonly #deploy: DeployRecord;
  readonly #signal: AbortSignal;
  #phase: Phase = "build";
  #release = "";

  constructor(parts: RolloutParts, deploy: DeployRecord, signal: AbortSignal) {
    this.#parts = parts;
    this.#deploy = deploy;
    this.#signal = signal;
  }

  /** Runs it to its end. A failure is recorded, not thrown; a stop of the process leaves it open. */
  async run(): Promise<void> {
    const { id, app, traceparent } = this.#deploy;
    const { deploys } = this.#parts;
    const attributes = { "zp.app": app, "zp.deploy": id };
    deploys.running(id);
    try {
      await withTraceparent(traceparent, () => inSpan("rollout", attributes, () => this.#phases()));
      deploys.finish(id, "live");
      this.#event("done", "finished", `${app} ${this.#release} is live`);
    } catch (error) {
      if (!this.#signal.aborted) this.#failed(error);
    }
  }

  async #phases(): Promise<void> {
    const build = await this.#do("build", () => this.#build());
    const started = await this.#do("start", () => this.#start(build));
    await this.#do("route", () => this.#route(started));
    await this.#do("verify", () => this.#verify(started));
    await this.#do("retire", () => this.#retire());
  }

  async #do<T>(phase: Phase, run: () => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    this.#phase = phase;
    const startedAtMs = performance.now();
    this.#event(phase, "started", "");
    const result = await inSpan(phase, { "zp.deploy": this.#deploy.id }, run);
    this.#event(phase, "finished", "", performance.now() - startedAtMs);
    return result;
  }

  async #build(): Promise<BuildResult> {
    const { id, app, build, release } = this.#deploy;
    const { builds, deploys } = this.#parts;
    if (build !== undefined && release !== undefined) {
      this.#release = release;
      return build;
    }
    const progress = (message: string): void => this.#event("build", "progress", message);
    const result = await builds.run(this.#deploy, { progress, signal: this.#signal });
    this.#release = deploys.nextRelease(app);
    deploys.built(id, result, this.#release);
    return result;
  }

  async #start(build: BuildResult): Promise<readonly InstanceRecord[]> {
    const { id: deployId, app } = this.#deploy;
    const { instances, placement } = this.#parts;
    const { processes, health } = build.plan;
    const traceparent = currentTraceparent();
    const instance = placement.start({
      id: `${app}-${this.#release}-1`,
      app,
      release: this.#release,
      deployId,
      artifact: build.artifact,
      command: processes.web,
      env: {},
      health,
      ...(traceparent !== undefined && { traceparent }),
    });
    this.#event("start", "progress", `${instance.id} on ${instance.runner}`);
    const timeoutMs = (health.timeoutMs ?? START_MS) + FETCH_MS;
    return awaitHealthy(instances, [instance.id], { timeoutMs, signal: this.#signal });
  }

  /** Routers are told of the new instances first, so that the old ones can go without a gap. */
  async #route(started: readonly InstanceRecord[]): Promise<void> {
    const { app } = this.#deploy;
    const { routes, routers } = this.#parts;
    const route = toRoute(routers.hostOf(app), started);
    const version = routes.set(`routes/${route.host}`, route);
    const seen = await routes.seen(version, { timeoutMs: ROUTES_SEEN_MS, signal: this.#signal });
    this.#event(
      "route",
      "progress",
      `table ${version} seen by ${seen.map(({ node }) => node).join(", ")}`,
    );
  }

  async #verify(started: readonly InstanceRecord[]): Promise<void> {
    const { routers } = this.#parts;
    const ids = started.map(({ id }) => id);
    const host = routers.hostOf(this.#deploy.app);
    for (const served of await verifyServed(routers.list(), { host, ids, signal: this.#signal })) {
      this.#event("verify", "progress", served);
    }
  }

  async #retire(): Promise<void> {
    const { app } = this.#deploy;
    const { instances, placement, setRelease } = this.#parts;
    setRelease(app, this.#release);
    const wanted = instances.wanted(app);
    const old = wanted.filter(({ release }) => release !== this.#release);
    placement.stop(old.map(({ id }) => id));
    placement.settle(wanted.filter((each) => !old.includes(each)).map(({ id }) => id));
    if (old.length > 0) this.#event("retire", "progress", old.map(({ id }) => id).join(", "));
  }

  /** What the deploy has started goes again; what served before it goes on. */
  #failed(error: unknown): void {
    const { id, app } = this.#deploy;
    const { deploys, instances, placement } = this.#parts;
    const failure = toFailure(this.#phase, error);
    const own = instances.wanted(app).filter(({ desired }) => desired?.deployId === id);
    if (this.#phase !== "retire") placement.stop(own.map((each) => each.id));
    this.#restoreRoute();
    this.#event(this.#phase, "failed", failure.message);
    deploys.finish(id, "failed", failure);
    this.#parts.dropUnborn(app);
    this.#event("done", "failed", `${this.#phase} failed: ${failure.message}`);
  }

  #restoreRoute(): void {
    const { app, id } = this.#deploy;
    const { instances, routes, routers } = this.#parts;
    if (this.#phase === "build" || this.#phase === "start") return;
    const host = routers.hostOf(app);
    const before = instances.wanted(app).filter(({ desired }) => desired?.deployId !== id);
    if (before.length === 0) routes.delete(`routes/${host}`);
    else routes.set(`routes/${host}`, toRoute(host, before));
  }

  #event(
    phase: Phase | "done",
    status: "started" | "progress" | "finished" | "failed",
    message: string,
    ms?: number,
  ): void {
    const deployId = this.#deploy.id;
    const event = { deployId, phase, status, message };
    this.#parts.deploys.event(ms === undefined ? event : { ...event, ms });
  }
}

/** The route of an app to those of `instances` that were seen listening. */
export function toRoute(host: string, instances: readonly InstanceRecord[]): Route {
  const [first] = instances;
  const targets = instances.flatMap(({ id, observed }) => {
    const { host: at, port } = observed ?? {};
    return at === undefined || port === undefined ? [] : [{ id, host: at, port }];
  });
  return { host, app: first?.app ?? "", release: first?.release ?? "", instances: targets };
}
