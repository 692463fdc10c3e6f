import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Side } from "../query/compare.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { TraceError } from "../trace-error.ts";
import { isTraceId, type Traces } from "../traces.ts";
import { FILTER, filterOf, parameters } from "./parameters.ts";
import { addTraceRoutes } from "./trace-routes.ts";

const Search = z.strictObject({
  ...FILTER,
  of: z.enum(["traces", "spans"]).optional(),
  sort: z.enum(["start", "duration"]).optional(),
  limit: z.coerce.number().int().min(1).max(500).optional(),
  cursor: z.string().optional(),
  /** `false`: they are not counted, which takes longest. */
  totals: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional(),
});
const Open = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).optional() });
const Filter = z.strictObject(FILTER);
const Explain = z.strictObject({
  ...FILTER,
  box: z
    .string()
    .regex(/^[\d.]+(,[\d.]+){3}$/, "fromMs,toMs,minMs,maxMs")
    .transform((text) => {
      const [fromMs = 0, toMs = 0, minMs = 0, maxMs = 0] = text.split(",").map(Number);
      return { fromMs, toMs, minMs, maxMs };
    })
    .refine((box) => Object.values(box).every(Number.isFinite), "four numbers"),
});
const Range = z.strictObject({ service: FILTER.service, fromMs: FILTER.fromMs, toMs: FILTER.toMs });
const Compare = z.strictObject({
  a: z.string(),
  b: z.string(),
  service: FILTER.service,
  operation: FILTER.operation,
});
/** The queries under `/api/`; README.md lists them. */
export function addApiRoutes(app: FastifyInstance, store: TraceStore, traces: Traces): void {
  addTraceRoutes(app, store);
  app.get("/api/search", async ({ query }) =>
    store.query("search", filterOf(parameters(Search, query))),
  );
  app.get("/api/heatmap", async ({ query }) =>
    store.query("heatmap", filterOf(parameters(Filter, query))),
  );
  app.get("/api/explain", async ({ query }) => {
    const { box, ...filter } = parameters(Explain, query);
    return store.query("explain", filterOf(filter), box);
  });
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
