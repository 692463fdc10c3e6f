import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { TraceStore } from "../store/trace-store.ts";
import { isTraceId, notFound } from "../traces.ts";
import { parameters } from "./parameters.ts";

const Format = z.object({
  format: z.enum(["otlp", "view", "skeleton", "perfetto", "speedscope", "html"]).default("otlp"),
});
const IDS_MAX = 64;
const Details = z.strictObject({
  spans: z
    .string()
    .regex(/^[0-9a-f]{16}(,[0-9a-f]{16})*$/, "span ids of 16 hex digits, with commas between")
    .transform((text) => text.split(","))
    .refine((ids) => ids.length <= IDS_MAX, `at most ${IDS_MAX} spans`),
});
const Nothing = z.strictObject({});
const Find = z.strictObject({ text: z.string().min(1).max(1_000) });
const SECURITY = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
};

interface Asked {
  readonly Params: { readonly traceId: string };
}

/** What is asked of one trace. */
export function addTraceRoutes(app: FastifyInstance, store: TraceStore): void {
  app.get<Asked>("/api/traces/:traceId", async (request, reply) => {
    const traceId = idOf(request.params);
    const { format } = parameters(Format, request.query);
    void reply.headers(SECURITY);
    if (format === "skeleton") {
      const bytes = await store.query("skeleton", traceId);
      return reply.type("application/octet-stream").send(Buffer.from(bytes ?? notFound(traceId)));
    }
    const text = await store.query("exported", traceId, format);
    const type = format === "html" ? "text/html" : "application/json";
    return reply.type(`${type}; charset=utf-8`).send(text ?? notFound(traceId));
  });
  app.get<Asked>("/api/traces/:traceId/details", async ({ params, query }) =>
    store.query("details", idOf(params), parameters(Details, query).spans),
  );
  app.get<Asked>("/api/traces/:traceId/logs", async ({ params, query }) => {
    parameters(Nothing, query);
    return store.query("logs", idOf(params));
  });
  app.get<Asked>("/api/traces/:traceId/find", async ({ params, query }) =>
    store.query("find", idOf(params), parameters(Find, query).text),
  );
  for (const [method, isPinned] of [
    ["PUT", true],
    ["DELETE", false],
  ] as const) {
    app.route<Asked>({
      method,
      url: "/api/traces/:traceId/pin",
      handler: async ({ params }, reply) => {
        await store.pin(idOf(params), isPinned);
        return reply.code(204).send();
      },
    });
  }
}

/** @throws TraceError ERR_NOT_FOUND when it is none */
const idOf = ({ traceId }: Asked["Params"]): string =>
  isTraceId(traceId) ? traceId : notFound(traceId);
