import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { LiveSpans, SearchRow } from "../api.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { FILTER, parameters } from "./parameters.ts";

const { service, operation, minMs, error } = FILTER;
const Live = z.strictObject({ service, operation, minMs, error });
/** Bytes that a slow reader may be behind; then events are left out, and their spans counted as hidden. */
const BEHIND_MAX = 256 * 1024;

/** `GET /api/live`: spans as they are stored, as server-sent events. */
export function addLiveRoute(app: FastifyInstance, store: TraceStore): void {
  app.get("/api/live", async (request, reply) => {
    const wanted = parameters(Live, request.query);
    let missed = 0;
    const { raw } = reply;
    const watching = store.watch(({ spans, hidden, open }: LiveSpans) => {
      const shown = spans.filter((span) => fits(span, wanted));
      if (raw.writableLength > BEHIND_MAX) missed += spans.length + hidden;
      else if (shown.length + hidden + missed > 0 || open !== undefined) {
        const event: LiveSpans = { spans: shown, hidden: hidden + missed, ...(open && { open }) };
        raw.write(`data: ${JSON.stringify(event)}\n\n`);
        missed = 0;
      }
    });
    raw.once("close", () => watching[Symbol.dispose]());
    reply.hijack();
    raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    raw.flushHeaders();
  });
}

interface Wanted {
  readonly service?: string;
  readonly operation?: string;
  readonly minMs?: number;
  readonly error?: "true" | "false";
}

const fits = (span: SearchRow, wanted: Wanted): boolean =>
  (wanted.service === undefined || span.service === wanted.service) &&
  (wanted.operation === undefined || span.operation === wanted.operation) &&
  (wanted.minMs === undefined || span.durationMs >= wanted.minMs) &&
  (wanted.error === undefined || String(span.error) === wanted.error);
