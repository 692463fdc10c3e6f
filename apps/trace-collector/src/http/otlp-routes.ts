import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ENCODINGS, HTTP_KINDS } from "../ingest/decode.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { TraceError } from "../trace-error.ts";
import { problemOf, protobufStatus, protobufSuccess, refusalText } from "./otlp-replies.ts";

const PROTOBUF = "application/x-protobuf";
const RETRY_AFTER_S = "1";
const REJECTED = { traces: "rejectedSpans", logs: "rejectedLogRecords" } as const;

/** `POST /v1/traces` and `/v1/logs`, as the OTLP specification has them. */
export function addOtlpRoutes(app: FastifyInstance, store: TraceStore): void {
  for (const signal of ["traces", "logs"] as const) {
    app.post(`/v1/${signal}`, async (request, reply) => {
      try {
        return await take(signal, request, reply);
      } catch (error) {
        return refuse(error, request, reply);
      }
    });
  }

  async function take(
    signal: "traces" | "logs",
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const kind = HTTP_KINDS[signal][isProtobuf(request) ? "protobuf" : "json"];
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const { refused } = await store.add({ kind, encoding: encodingOf(request), body }, true);
    const rejected = Object.values(refused).reduce((sum, count) => sum + count, 0);
    const message = refusalText(refused);
    if (isProtobuf(request)) return reply.type(PROTOBUF).send(protobufSuccess(rejected, message));
    const partial = { [REJECTED[signal]]: rejected, errorMessage: message };
    return reply.send(rejected === 0 ? {} : { partialSuccess: partial });
  }
}

function encodingOf({ headers }: FastifyRequest): string {
  const encoding = headers["content-encoding"] ?? "identity";
  if (ENCODINGS.includes(encoding)) return encoding;
  throw new TraceError(
    "ERR_MEDIA_TYPE",
    `content encoding ${encoding}; use one of ${ENCODINGS.join(", ")}`,
  );
}

/** @throws TraceError ERR_MEDIA_TYPE when it is JSON neither */
function isProtobuf({ headers }: FastifyRequest): boolean {
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (type === PROTOBUF || type === "application/protobuf") return true;
  if (type === "application/json") return false;
  throw new TraceError(
    "ERR_MEDIA_TYPE",
    `content type ${type}; use ${PROTOBUF} or application/json`,
  );
}

/** The answer to a request that failed; a protobuf request is answered in kind. */
function refuse(error: unknown, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error);
  void reply.code(problem.status);
  if (problem.status === 429 || problem.status === 503)
    void reply.header("retry-after", RETRY_AFTER_S);
  if (!headers["content-type"]?.includes("protobuf"))
    return reply.type("application/problem+json").send(JSON.stringify(problem));
  return reply.type(PROTOBUF).send(protobufStatus(problem.code, problem.detail));
}
