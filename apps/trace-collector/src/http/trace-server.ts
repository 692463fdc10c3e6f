import type { AddressInfo } from "node:net";
import Fastify, { type FastifyInstance } from "fastify";
import type { TraceStore } from "../store/trace-store.ts";
import { TraceError } from "../trace-error.ts";
import type { Traces } from "../traces.ts";
import { addApiRoutes } from "./api-routes.ts";
import { addLiveRoute } from "./live-route.ts";
import { problemOf } from "./otlp-replies.ts";
import { addOtlpRoutes } from "./otlp-routes.ts";
import { addPageRoutes } from "./page-routes.ts";

/** Longest body as it comes, bytes; unpacked it may have 64 MiB. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const REQUEST_MS_MAX = 30_000;

/** OTLP in and queries out, on one port. */
export class TraceServer implements AsyncDisposable {
  readonly #app: FastifyInstance;

  /** @param pages folder of the trace pages, when they are to be served as well */
  constructor(store: TraceStore, traces: Traces, pages?: string) {
    const app = Fastify({
      bodyLimit: BODY_BYTES_MAX,
      requestTimeout: REQUEST_MS_MAX,
      forceCloseConnections: true,
    });
    this.#app = app;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    app.setErrorHandler((error, _request, reply) => {
      const problem = problemOf(error);
      if (problem.status === 429 || problem.status === 503) void reply.header("retry-after", "1");
      return reply
        .code(problem.status)
        .type("application/problem+json")
        .send(JSON.stringify(problem));
    });
    app.setNotFoundHandler(({ method, url }) => {
      throw new TraceError(
        "ERR_NOT_FOUND",
        `nothing at ${method} ${url}; README.md lists what there is`,
      );
    });
    addOtlpRoutes(app, store);
    addApiRoutes(app, store, traces);
    addLiveRoute(app, store);
    if (pages !== undefined) addPageRoutes(app, pages);
  }

  /** @returns the port */
  async listen(port: number, host: string): Promise<number> {
    await this.#app.listen({ port, host });
    return (this.#app.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
  }
}
