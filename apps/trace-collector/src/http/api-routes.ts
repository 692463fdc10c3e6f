import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Side } from "../query/compare.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { TraceError } from "../trace-error.ts";
import { isTraceId, notFound, type Traces } from "../traces.ts";
import { FILTER, filterOf, parameters } from "./parameters.ts";

const Format = z.object({
  format: z.enum(["otlp", "view", "perfetto", "speedscope", "html"]).default("otlp"),
});
const Search = z.strictObject({
  ...FILTER,
  of: z.enum(["traces", "spans"]).optional(),
  sort: z.enum(["start", "duration"]).optional(),
  limit: z.coerce.number().int().min(1).max(500).optional(),
  cursor: z.string().optional(),
});
const Open = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).optional() });
const Range = z.strictObject({ service: FILTER.service, fromMs: FILTER.fromMs, toMs: FILTER.toMs });
const Compare = z.strictObject({
  a: z.string(),
  b: z.string(),
  service: FILTER.service,
  operation: FILTER.operation,
});
const SECURITY = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
};

/** The queries under `/api/`; README.md lists them. */
export function addApiRoutes(app: FastifyInstance, store: TraceStore, traces: Traces): void {
  app.get<{ Params: { traceId: string } }>("/api/traces/:traceId", async (request, reply) => {
    const { traceId } = request.params;
    const { format } = parameters(Format, request.query);
    const text = isTraceId(traceId) ? await store.query("exported", traceId, format) : undefined;
    const type = format === "html" ? "text/html" : "application/json";
    return reply
      .headers(SECURITY)
      .type(`${type}; charset=utf-8`)
      .send(text ?? notFound(traceId));
  });
  for (const [method, isPinned] of [
    ["PUT", true],
    ["DELETE", false],
  ] as const) {
    app.route<{ Params: { traceId: string } }>({
      method,
      url: "/api/traces/:traceId/pin",
      handler: async ({ params: { traceId } }, reply) => {
        if (!isTraceId(traceId)) notFound(traceId);
        await store.pin(traceId, isPinned);
        return reply.code(204).send();
      },
    });
  }
  app.get("/api/search", async ({ query }) =>
    store.query("search", filterOf(parameters(Search, query))),
  );
  app.get("/api/operations", async ({ query }) =>
    store.query("operations", parameters(Range, query)),
  );
  app.get("/api/errors", async ({ query }) => store.query("errors", parameters(Range, query)));
  app.get("/api/map", async ({ query }) => store.query("map", parameters(Range, query)));
  app.get("/api/compare", async ({ query }) => {
    const { a, b, ...filter } = parameters(Compare, query);
    return store.query("compare", sideOf(a, filter), sideOf(b, filter));
  });
  app.get("/api/open", async ({ query }) => store.query("open", parameters(Open, query).limit));
  app.get("/api/health", async () => traces.stats());
}

/** A trace id, or `fromMs..toMs`. */
function sideOf(
  text: string,
  filter: { readonly service?: string; readonly operation?: string },
): Side {
  if (isTraceId(text)) return { traceId: text };
  const [, fromMs, toMs] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (toMs !== undefined) return { ...filter, fromMs: Number(fromMs), toMs: Number(toMs) };
  throw new TraceError(
    "ERR_QUERY",
    `${JSON.stringify(text)} is neither a trace id nor fromMs..toMs`,
  );
}
