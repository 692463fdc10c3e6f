import type { DeployApi } from "@zeroplane/deploy-api";
import type { LogHub } from "@zeroplane/log-hub";
import type { Life } from "@zeroplane/runtime";
import type { TraceCollector, TraceQuery, TraceSummary } from "@zeroplane/trace-collector";
import type { SearchPage } from "@zeroplane/trace-collector/api";
import type { Config } from "./config.ts";
import { otlpOf } from "./otlp-json.ts";
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

/** Which traces a page asks for. */
function traceQuery(query: URLSearchParams): TraceQuery {
  const [service, name, minMs] = ["service", "operation", "minMs"].map((key) => query.get(key));
  return {
    limit: Math.min(TRACES_MAX, Number(query.get("limit")) || TRACES),
    ...(service && { service }),
    ...(name && { name }),
    ...(minMs && Number(minMs) > 0 && { minMs: Number(minMs) }),
    ...(query.get("error") === "true" && { error: true }),
  };
}

function searchPage(traces: readonly TraceSummary[]): SearchPage {
  const rows = traces.map((trace) => ({
    traceId: trace.traceId,
    spanId: "",
    service: trace.service,
    operation: trace.name,
    startMs: trace.startMs,
    durationMs: trace.durationMs,
    error: trace.errors > 0,
    trace,
  }));
  const spans = traces.reduce((sum, { spans: n }) => sum + n, 0);
  return { rows, totals: { traces: traces.length, spans } };
}

const TRACES = 100;
const TRACES_MAX = 500;
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
      "/api/search": async (_, query) => searchPage(await collector.traces.list(traceQuery(query))),
      "/api/traces/:id": async ({ id = "" }) => otlpOf(await collector.traces.get(id)),
    },
    streams: {
      "/api/logs/:app": ({ app = "" }, signal) =>
        hub.with({ signal }).logs.tail({ app, lines: LINES, follow: true }),
    },
  };
  const pages = life.use(new PageServer(routes));
  const port = await pages.listen(config.ZP_HTTP_PORT, config.ZP_HTTP_HOST);
  const url = `http://${config.ZP_HOST}:${port}/`;
  log.info({ url }, "serves the console");
  return new Console(url);
}
