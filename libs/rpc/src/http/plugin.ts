import { toOpenApi } from "@zeroplane/introspect";
import {
  compose,
  type Headers,
  type Interceptor,
  intercept,
  type Operation,
} from "@zeroplane/link";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type CallContext, runInCall } from "../call-context.ts";
import { RpcError } from "../errors.ts";
import type { MethodOptions } from "../guard.ts";
import { streamOf } from "../item-pump.ts";
import { apply, Service } from "../service.ts";
import { argumentsOf } from "./arguments.ts";
import { problemOf } from "./problem.ts";
import { NDJSON, SSE, toReadable } from "./stream-reply.ts";

/** Options of {@link rpcHttp}. */
export interface RpcHttpOptions {
  /** Any object, class instance, function or module namespace. */
  readonly target: object;
  /** Shown as the title of the OpenAPI document (default the class's name). */
  readonly name?: string;
  /** Version of the service in the OpenAPI document. */
  readonly version?: string;
  /** Around every call, the first outermost. */
  readonly interceptors?: readonly Interceptor[];
  /** What holds for single methods. */
  readonly methods?: Readonly<Record<string, MethodOptions>>;
  /** How long a call may take when the request says nothing, milliseconds (default 30 000). */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
const RETRY_AFTER_S = "1";
const TRAVELS = ["traceparent", "tracestate", "baggage"];
const WAIT = /(?:^|[\s,;])wait=(\d{1,6})/;

/**
 * A Fastify plugin: any served object as JSON over HTTP. `POST /{method}` with an object of named
 * arguments, or an array of them; the result as JSON (204 for none), a stream as JSON lines, or as
 * server-sent events when `Accept` asks for those. Errors are RFC 9457 problem details. `GET
 * /openapi.json` describes it all. `Prefer: wait=10` (RFC 7240) sets the seconds it may take; when
 * the client goes away the call is cancelled. Handlers see the call by `currentCall()`.
 */
export async function rpcHttp(app: FastifyInstance, options: RpcHttpOptions): Promise<void> {
  const service = new Service(options.target, options.name, options.methods);
  const interceptor = compose(options.interceptors);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const { version } = options;
  app.get("/openapi.json", async () => {
    const servers = [app.prefix === "" ? "/" : app.prefix];
    return toOpenApi(await service.describe(), { servers, ...(version && { version }) });
  });
  app.post<{ Params: { method: string } }>("/:method", async (request, reply) => {
    const call = new HttpCall(service, request, timeoutMs);
    try {
      await answer(reply, await call.run(interceptor));
    } catch (error) {
      fail(reply, error);
    } finally {
      call.settle();
    }
  });
  app.setErrorHandler((error: Error & { readonly statusCode?: number }, _request, reply) => {
    const code = (error.statusCode ?? 500) < 500 ? "ERR_INVALID_ARGUMENTS" : "ERR_PROTOCOL";
    fail(reply, new RpcError(code, error.message), error.statusCode);
  });
}

/** One request as the call that its handler sees. */
class HttpCall implements CallContext {
  readonly method: string;
  readonly headers: Headers;
  readonly peer: CallContext["peer"];
  readonly #service: Service;
  readonly #request: FastifyRequest<{ Params: { method: string } }>;
  readonly #abort = new AbortController();
  readonly #deadlineMs: number;
  readonly #timer: NodeJS.Timeout;

  constructor(
    service: Service,
    request: FastifyRequest<{ Params: { method: string } }>,
    timeoutMs: number,
  ) {
    const wanted = WAIT.exec(String(request.headers["prefer"] ?? ""))?.[1];
    const ms = wanted === undefined ? timeoutMs : Math.min(timeoutMs, Number(wanted) * 1_000);
    this.method = `${service.name}.${request.params.method}`;
    this.headers = Object.fromEntries(
      TRAVELS.flatMap((name) => {
        const value = request.headers[name];
        return typeof value === "string" ? [[name, value]] : [];
      }),
    );
    this.peer = { node: request.ip, capabilities: [], via: [] };
    this.#service = service;
    this.#request = request;
    this.#deadlineMs = performance.now() + ms;
    this.#timer = setTimeout(() => this.#end("ERR_DEADLINE", `no answer within ${ms} ms`), ms);
    request.raw.socket.once("close", this.#gone);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get leftMs(): number {
    return Math.max(0, this.#deadlineMs - performance.now());
  }

  /** Runs the method, no longer than it may take. */
  async run(interceptor: Interceptor | undefined): Promise<unknown> {
    const { method: name } = this.#request.params;
    const method = this.#service.method(name);
    const { methods } = await this.#service.describe();
    const described = methods[name];
    const args = described ? argumentsOf(this.#request.body, described) : [];
    const operation = (): Operation => ({
      verb: "rpc",
      side: "server",
      name: this.method,
      headers: this.headers,
      peer: this.peer.node,
      attributes: { transport: "http" },
    });
    const run = (): Promise<unknown> =>
      runInCall(this, async () => (await apply(method, args)) as unknown, this);
    return Promise.race([intercept(interceptor, operation, run), this.#ended()]);
  }

  /** An answer is there: time does not count any more. */
  settle(): void {
    clearTimeout(this.#timer);
  }

  readonly #gone = (): void => this.#end("ERR_CANCELLED", "the client went away");

  #end(code: "ERR_DEADLINE" | "ERR_CANCELLED", why: string): void {
    clearTimeout(this.#timer);
    this.#abort.abort(new RpcError(code, `${this.method}: ${why}`));
  }

  #ended(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason as Error));
    });
  }
}

async function answer(reply: FastifyReply, result: unknown): Promise<void> {
  const stream = streamOf(result);
  if (stream === undefined) {
    if (result === undefined) await reply.code(204).send();
    else await reply.type("application/json; charset=utf-8").send(JSON.stringify(result));
    return;
  }
  const lines = reply.request.headers.accept?.includes("text/event-stream") ? SSE : NDJSON;
  await reply.header("cache-control", "no-store").type(lines.type).send(toReadable(stream, lines));
}

function fail(reply: FastifyReply, error: unknown, status?: number): void {
  const problem = problemOf(error);
  if (problem.status === 503) void reply.header("retry-after", RETRY_AFTER_S);
  void reply
    .code(status ?? problem.status)
    .type("application/problem+json; charset=utf-8")
    .send(JSON.stringify({ ...problem, status: status ?? problem.status }));
}
