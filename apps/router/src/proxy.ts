import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import type { Route } from "@zeroplane/deploy-api";
import { answerWith, noInstance, noRoute, rawAnswer } from "./answer.ts";
import { Balancer, type Upstream } from "./balancer.ts";
import { forward, type Refused } from "./forward.ts";
import { requestHeaders, requestIdOf } from "./headers.ts";
import { type RouteStats, StatsBook } from "./route-stats.ts";
import { RouterError, type RouterErrorCode, reasonOf } from "./router-error.ts";
import { hostName, type RouteTable } from "./table.ts";
import { upgrade } from "./upgrade.ts";

/** What is known of a request before it is sent on. */
export interface RequestInfo {
  readonly id: string;
  readonly method: string;
  readonly host: string;
  /** Path and query as the client sent them. */
  readonly path: string;
  /** Absent for a host without a route. */
  readonly app?: string;
  readonly release?: string;
  /** What the client sent, names in lower case. */
  readonly headers: IncomingMessage["headers"];
}

/** How a request went. */
export interface Outcome {
  /** What the client got; 101 after an upgrade; 499 when the client left first. */
  readonly status: number;
  /** The instance that answered. */
  readonly instance?: string;
  /** Instances it was sent to. */
  readonly attempts: number;
  /** Why the router answered itself, or the answer broke off. */
  readonly error?: RouterErrorCode;
}

/**
 * Wraps every request, an upgraded connection until it is closed. Must call `next` once, with more
 * headers for the app if it likes, and give back what it resolves with.
 */
export type OnRequest = (
  info: RequestInfo,
  next: (headers?: Readonly<Record<string, string>>) => Promise<Outcome>,
) => Promise<Outcome>;

/** What a {@link Proxy} needs. All times in milliseconds. */
export interface ProxyOptions {
  readonly table: RouteTable;
  readonly onRequest?: OnRequest;
  /** How long a client may take to send its headers (default 15 000). */
  readonly headerTimeoutMs?: number;
  /** How long a client may take to send a whole request (default 300 000). */
  readonly requestTimeoutMs?: number;
  /** How long an instance may take to accept a connection (default 2 000). */
  readonly connectTimeoutMs?: number;
  /** How long an instance may take until its answer begins (default 60 000). */
  readonly answerTimeoutMs?: number;
  /** How long an answer may pause (default 300 000). */
  readonly idleTimeoutMs?: number;
  /** How long an instance that refused a connection is set aside (default 2 000). */
  readonly ejectMs?: number;
  /** Instances a request is sent to at most (default 3). */
  readonly attempts?: number;
  /** How long requests in flight may take when the proxy is closed (default 10 000). */
  readonly drainMs?: number;
  /** Believe X-Forwarded-For, -Proto and -Host of clients: only behind a proxy of your own. */
  readonly trustForwarded?: boolean;
}

/** Sends a request to one instance; undefined or a status when it was answered. */
type Attempt = (
  upstream: Upstream,
  headers: readonly string[],
) => Promise<number | Refused | undefined>;

const DEFAULTS = {
  headerTimeoutMs: 15_000,
  requestTimeoutMs: 300_000,
  connectTimeoutMs: 2_000,
  answerTimeoutMs: 60_000,
  idleTimeoutMs: 300_000,
  ejectMs: 2_000,
  attempts: 3,
  drainMs: 10_000,
  trustForwarded: false,
};

/**
 * HTTP and upgraded connections to instances by host name. Every request looks the table up anew, so
 * an instance taken out of it gets nothing more, and what it is serving ends in peace.
 */
export class Proxy implements AsyncDisposable {
  readonly #options: ProxyOptions & typeof DEFAULTS;
  readonly #balancer: Balancer;
  readonly #stats = new StatsBook();
  readonly #server: Server;
  readonly #upgraded = new Set<Duplex>();
  readonly #unfollow: () => void;

  /** @param options table and limits */
  constructor(options: ProxyOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#balancer = new Balancer(this.#options.ejectMs);
    const { table } = this.#options;
    this.#unfollow = table.onReplaced(() => {
      this.#balancer.retain(table.routes);
      this.#stats.retain(new Set(table.routes.map((route) => route.host)));
    });
    this.#server = createServer({
      headersTimeout: this.#options.headerTimeoutMs,
      requestTimeout: this.#options.requestTimeoutMs,
      keepAliveTimeout: 65_000,
      // What we do not forward as an upgrade is an ordinary request (RFC 9110 section 7.8).
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    });
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#serveUpgrade(request, socket, head);
    });
  }

  /**
   * Begins to listen.
   * @param port 0 for any free one
   * @param host address (default 127.0.0.1)
   * @returns the port
   */
  async listen(port: number, host = "127.0.0.1"): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** Counts by route since the start. */
  stats(): RouteStats[] {
    return this.#stats.list();
  }

  /** Requests for hosts without a route, since the start. */
  get unknownHosts(): number {
    return this.#stats.unknownHosts;
  }

  /** Requests and upgraded connections that an instance is serving, in the table or not. */
  inFlight(instance: string): number {
    return this.#balancer.inFlight(instance);
  }

  /**
   * Takes no more connections, lets requests and upgraded connections end, and closes what is left
   * after `drainMs`.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unfollow();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    const timer = setTimeout(() => {
      this.#server.closeAllConnections();
      for (const socket of this.#upgraded) socket.destroy();
    }, this.#options.drainMs);
    await closed;
    clearTimeout(timer);
    this.#balancer.retain([]);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = requestIdOf(request) ?? randomUUID();
    const { connectTimeoutMs, answerTimeoutMs, idleTimeoutMs } = this.#options;
    const limits = { connectTimeoutMs, answerTimeoutMs, idleTimeoutMs };
    response.on("error", () => {});
    const answer = (error: RouterError): void => answerWith(response, error, id);
    await this.#handle(request, id, answer, async (upstream, headers) => {
      const exchange = { request, response, requestId: id, headers, ...limits };
      const refused = await forward(exchange, upstream);
      if (response.writableFinished) return response.statusCode;
      return response.destroyed ? 499 : refused;
    });
    if (!this.#server.listening) setImmediate(() => this.#server.closeIdleConnections());
  }

  async #serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const id = requestIdOf(request) ?? randomUUID();
    const { answerTimeoutMs } = this.#options;
    this.#upgraded.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#upgraded.delete(socket));
    const answer = (error: RouterError): void => {
      if (!socket.destroyed) socket.end(rawAnswer(error, id));
    };
    await this.#handle(request, id, answer, async (upstream, headers) => {
      const exchange = { request, socket, head, headers, answerTimeoutMs };
      const end = await upgrade(exchange, upstream);
      return socket.destroyed && typeof end !== "number" ? 499 : end;
    });
  }

  async #handle(
    request: IncomingMessage,
    id: string,
    answer: (error: RouterError) => void,
    attempt: Attempt,
  ): Promise<void> {
    const host = hostName(request.headers.host ?? "");
    const route = this.#options.table.lookup(host);
    const { method = "GET", url: path = "/", headers } = request;
    const known = route === undefined ? {} : { app: route.app, release: route.release };
    const info: RequestInfo = { id, method, host, path, headers, ...known };
    const next = async (extra: Readonly<Record<string, string>> = {}): Promise<Outcome> => {
      const { trustForwarded } = this.#options;
      const toApp = requestHeaders(request, { requestId: id, trustForwarded, extra });
      const outcome = await this.#count(route, () => this.#try(info, route, toApp, attempt));
      if (outcome.thrown !== undefined) answer(outcome.thrown);
      const { thrown: _thrown, ...rest } = outcome;
      return rest;
    };
    try {
      await (this.#options.onRequest?.(info, next) ?? next());
    } catch (cause) {
      answer(new RouterError("ERR_ROUTER_INTERNAL", reasonOf(cause), { cause }));
    }
  }

  async #count(
    route: Route | undefined,
    work: () => Promise<Outcome & { thrown?: RouterError }>,
  ): Promise<Outcome & { thrown?: RouterError }> {
    if (route === undefined) this.#stats.addUnknownHost();
    const end = route === undefined ? undefined : this.#stats.begin(route.host);
    const startedMs = performance.now();
    const outcome = await work();
    const failed = outcome.status >= 500 || outcome.error !== undefined;
    const retries = Math.max(0, outcome.attempts - 1);
    end?.({ failed, retries, ms: performance.now() - startedMs });
    return outcome;
  }

  async #try(
    info: RequestInfo,
    route: Route | undefined,
    headers: readonly string[],
    attempt: Attempt,
  ): Promise<Outcome & { thrown?: RouterError }> {
    const tried = new Set<Upstream>();
    let failure = route === undefined ? noRoute(info.host) : noInstance(route.app);
    while (route !== undefined && tried.size < this.#options.attempts) {
      // The table may have changed since the last try: a fresh look finds fresh instances.
      const instances = this.#options.table.lookup(info.host)?.instances ?? [];
      const upstream = this.#balancer.choose(instances, tried);
      if (upstream === undefined) break;
      tried.add(upstream);
      this.#balancer.begin(upstream);
      const end = await attempt(upstream, headers)
        .catch((error: unknown) => brokenOff(error))
        .finally(() => this.#balancer.end(upstream));
      if (typeof end === "number") {
        return { status: end, instance: upstream.id, attempts: tried.size };
      }
      if (end === undefined) break;
      failure = end.error;
      if (end.isConnectFailure) this.#balancer.eject(upstream);
      if (!end.mayRetry) break;
    }
    const { status, code: error } = failure;
    return { status, attempts: tried.size, error, thrown: failure };
  }
}

function brokenOff(cause: unknown): Refused {
  const error =
    cause instanceof RouterError
      ? cause
      : new RouterError("ERR_ROUTER_INTERNAL", reasonOf(cause), { cause });
  return { error, mayRetry: false, isConnectFailure: false };
}
