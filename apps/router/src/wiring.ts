import { join } from "node:path";
import type { DeployApi, Route } from "@zeroplane/deploy-api";
import { viewState } from "@zeroplane/patterns";
import type { Life } from "@zeroplane/runtime";
import type { Config } from "./config.ts";
import { Proxy } from "./proxy.ts";
import { traceRequests } from "./request-traces.ts";
import type { RouteStats } from "./route-stats.ts";
import { RouteTable } from "./table.ts";

/** What a router says of itself. */
export class Router {
  readonly #table: RouteTable;
  readonly #proxy: Proxy;

  constructor(table: RouteTable, proxy: Proxy) {
    this.#table = table;
    this.#proxy = proxy;
  }

  /** The table in use, with its version. */
  table(): { version: number; routes: readonly Route[] } {
    return { version: this.#table.version, routes: this.#table.routes };
  }

  /** Requests, errors and times of each route. */
  requests(): RouteStats[] {
    return this.#proxy.stats();
  }
}

/** Puts a router together: it serves by its last known table, and follows the state `routes`. */
export async function wire(life: Life<Config>): Promise<Router> {
  const { config, log, interceptors } = life;
  const table = await RouteTable.open(join(config.ZP_DATA, "routes.json"));
  if (table.problem !== undefined) log.warn(table.problem);
  const proxy = life.use(new Proxy({ table, onRequest: traceRequests() }));
  const port = await proxy.listen(config.ZP_HTTP_PORT, config.ZP_HTTP_HOST);
  const url = `http://${config.ZP_HOST}:${port}`;
  log.info({ url }, "takes requests");
  const session = life.session("deploy-api", config.ZP_DEPLOY_API);
  const api = life.connect<DeployApi>("deploy-api", config.ZP_DEPLOY_API);
  life.use(
    viewState<Route>(session, "routes", {
      under: "routes/",
      interceptors,
      apply: async (view) => {
        const routes = view.entries().map(([, route]) => route);
        await table.replace(view.version, routes);
        // An owner that has started anew knows no address of this router.
        await api.routers.register(url);
      },
      onError: (error) => log.error({ err: error }, "could not apply the routes"),
    }),
  );
  life.check("deploy-api", () => session.ready(1_000));
  return new Router(table, proxy);
}
