import type { DeployApi } from "@zeroplane/deploy-api";
import type { LogHub } from "@zeroplane/log-hub";
import type { Life } from "@zeroplane/runtime";
import type { TraceCollector } from "@zeroplane/trace-collector";
import type { Config } from "./config.ts";
import { PageServer, type Routes } from "./page-server.ts";
import { Services } from "./services.ts";

/** What the console says of itself. */
export class Console {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Where the page is. */
  url(): string {
    return this.#url;
  }
}

const LINES = 300;
const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);

/** Puts the console together: a page, and what it asks for by rpc. */
export async function wire(life: Life<Config>): Promise<Console> {
  const { config, log } = life;
  const api = life.connect<DeployApi>("deploy-api", config.ZP_DEPLOY_API);
  const hub = life.connect<LogHub>("log-hub", config.ZP_LOG_QUERIES);
  const collector = life.connect<TraceCollector>("trace-collector", config.ZP_TRACE_QUERIES);
  const services = new Services({
    "deploy-api": api,
    "log-hub": hub,
    "trace-collector": collector,
  });
  const isLocal = LOOPBACK.has(config.ZP_HTTP_HOST);
  const hasCalls = config.ZP_HTTP_CALLS === undefined ? isLocal : config.ZP_HTTP_CALLS === "on";
  const routes: Routes = {
    actions: hasCalls ? { "/api/call": (wish) => services.call(wish) } : {},
    answers: {
      "/api/status": () => api.platform.status(),
      "/api/services": async () => ({ services: await services.list(), hasCalls }),
      "/api/apps": () => api.apps.list(),
      "/api/deploys": () => api.deploys.list(),
      "/api/deploys/:id": ({ id = "" }) => api.deploys.get(id),
      "/api/ledger": () => hub.logs.ledger(),
    },
    streams: {
      "/api/logs/:app": ({ app = "" }, signal) =>
        hub.with({ signal }).logs.tail({ app, lines: LINES, follow: true }),
    },
  };
  const pages = life.use(new PageServer(routes, config.ZP_TRACE_HTTP));
  const port = await pages.listen(config.ZP_HTTP_PORT, config.ZP_HTTP_HOST);
  const url = `http://${config.ZP_HOST}:${port}/`;
  log.info({ url }, "serves the console");
  return new Console(url);
}
