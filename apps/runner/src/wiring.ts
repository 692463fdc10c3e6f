import type { DeployApi, DesiredInstance, Digest, ObservedInstance } from "@zeroplane/deploy-api";
import { viewState } from "@zeroplane/patterns";
import { downloadFile, type Life, topicWord } from "@zeroplane/runtime";
import { inSpan, withTraceparent } from "@zeroplane/tracing";
import type { Config } from "./config.ts";
import type { InstanceLine } from "./instance.ts";
import { Reports } from "./reports.ts";
import { StartTraces } from "./start-traces.ts";
import { Supervisor } from "./supervisor.ts";

/** What a runner says of itself. */
export class Runner {
  readonly #supervisor: Supervisor;

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /** Every instance of this host, as it is seen now. */
  instances(): ObservedInstance[] {
    return this.#supervisor.observed();
  }
}

/** Puts a runner together: it makes its instances match its part of the state `desired`. */
export async function wire(life: Life<Config>): Promise<Runner> {
  const { config, node, log, interceptors, lines } = life;
  const session = life.session("deploy-api", config.ZP_DEPLOY_API);
  const api = life.connect<DeployApi>("deploy-api", config.ZP_DEPLOY_API);
  const traces = new StartTraces();
  const warn = (error: unknown): void => log.warn({ err: error }, "a report was not heard; again");
  const reports = life.use(new Reports((observed) => api.runners.report(observed), warn));
  let desired = new Map<string, DesiredInstance>();
  const supervisor = await Supervisor.open({
    runner: node,
    dataFolder: config.ZP_DATA,
    fetchArtifact: (digest, file, signal) => {
      const { id } = [...desired.values()].find(({ artifact }) => artifact === digest) ?? {};
      return withTraceparent(id && traces.traceparentOf(id), () => fetch(digest, file, signal));
    },
    onLine: ({ instance, stream, line }: InstanceLine) => {
      const app = desired.get(instance)?.app ?? "unknown";
      const topic = `app.${topicWord(app)}.${topicWord(instance)}`;
      lines?.put(topic, { stream: stream === "stdout" ? "out" : "err", text: line });
    },
    onObserved: (observed) => {
      traces.observed(observed);
      const { id, state, reason } = observed;
      log.info({ instance: id, state, ...(reason !== undefined && { reason }) }, "instance");
      reports.add({ ...observed, ...(observed.port !== undefined && { host: config.ZP_HOST }) });
    },
  });
  const fetch = (digest: Digest, file: string, signal: AbortSignal): Promise<void> =>
    inSpan("fetch artifact", { "zp.artifact": digest.slice(0, 12) }, () =>
      downloadFile(api.blobs, digest, { file, signal }),
    );
  life.use(supervisor);
  life.use(
    viewState<DesiredInstance>(session, "desired", {
      under: `instances/${node}/`,
      interceptors,
      apply: (view) => {
        const instances = view.entries().map(([, instance]) => instance);
        desired = new Map(instances.map((instance) => [instance.id, instance]));
        traces.desired(instances);
        const HOST = config.ZP_INSTANCE_HOST;
        supervisor.reconcile(instances.map((each) => ({ ...each, env: { HOST, ...each.env } })));
      },
      onError: (error) => log.error({ err: error }, "could not apply what is desired"),
    }),
  );
  session.watch((state) => {
    // The platform may have missed something, or forgotten it.
    if (state === "up") for (const each of supervisor.observed()) reports.add(each);
  });
  life.check("deploy-api", () => session.ready(1_000));
  return new Runner(supervisor);
}
