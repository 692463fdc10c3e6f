import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";

/** The parts of a path that stand for `:name`. */
export type Parameters = Readonly<Record<string, string>>;

/** What a page asks for under `/api/`, by path. */
export interface Routes {
  /** Answered once, as JSON. */
  readonly answers: Readonly<Record<string, (parameters: Parameters) => PromiseLike<unknown>>>;
  /** Asked for by POST with a JSON body, from the page itself only. */
  readonly actions?: Readonly<Record<string, (body: unknown) => PromiseLike<unknown>>>;
  /** Answered by server-sent events until the page leaves. */
  readonly streams: Readonly<
    Record<string, (parameters: Parameters, signal: AbortSignal) => AsyncIterable<unknown>>
  >;
}

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html"],
  "/services": ["services.html", "text/html"],
  "/console.js": ["console.js", "text/javascript"],
  "/services.js": ["services.js", "text/javascript"],
  "/dom.js": ["dom.js", "text/javascript"],
  "/console.css": ["console.css", "text/css"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
};
/** Pages that are built: everything below the address of the first is drawn by its script. */
const BUILT = new URL("../dist/pages/", import.meta.url);
const OF_TRACES =
  /^\/api\/(traces\/[0-9a-f]+(\/(details|logs|find))?|search|heatmap|explain|operations|errors|map|compare|live|health)$/;
const ASSET = /^\/assets\/[\w-]+\.(js|css)$/;
const TYPES: Readonly<Record<string, string>> = { js: "text/javascript", css: "text/css" };
const SECURITY = {
  "content-security-policy": "default-src 'self'",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** Longest body of an action, bytes. */
const BODY_BYTES_MAX = 256 * 1024;

/**
 * Serves the pages and what they ask for. Only actions can change anything: they are taken from the
 * page itself, not from other sites that the same browser has open.
 */
export class PageServer implements AsyncDisposable {
  readonly #routes: Routes;
  readonly #server: Server;
  readonly #traces: string | undefined;

  /** @param traces where the trace collector takes HTTP */
  constructor(routes: Routes, traces?: string) {
    this.#routes = routes;
    this.#traces = traces;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** @returns the port */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? "/", "http://console");
    // One that cannot be read is a path like any other, and leads nowhere.
    const pathname = url?.pathname ?? String(request.url);
    const file = FILES[pathname];
    try {
      if (request.method === "POST") await this.#act(pathname, request, response);
      else if (file !== undefined) await serveFile(response, pageFile(file[0]), file[1]);
      else if (ASSET.test(pathname)) await serveAsset(response, pathname);
      else if (/^\/traces(\/|$)/.test(pathname)) await serveBuilt(response);
      else if (OF_TRACES.test(pathname)) await this.#forward(`${pathname}${url?.search}`, response);
      else await this.#answer(pathname, response);
    } catch (error) {
      const words = wordsOf(error);
      const status = words.code === "ERR_NOT_FOUND" ? 404 : 502;
      if (!response.headersSent) sendJson(response, status, words);
      response.end();
    }
  }

  async #act(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const action = this.#routes.actions?.[pathname];
    if (action === undefined) return sendJson(response, 404, { error: `no action ${pathname}` });
    const { origin, host, "content-type": type = "" } = request.headers;
    if (origin !== `http://${host}` || !type.startsWith("application/json")) {
      return sendJson(response, 403, { error: "actions are for the page itself" });
    }
    const body = await readJson(request);
    if (body === undefined) return sendJson(response, 400, { error: "the body is no JSON" });
    try {
      sendJson(response, 200, await action(body.value));
    } catch (error) {
      sendJson(response, 422, wordsOf(error));
    }
  }

  /** What the trace pages ask is the trace collector's to answer. */
  async #forward(path: string, response: ServerResponse): Promise<void> {
    if (this.#traces === undefined) {
      const error = "this console was not told where the trace collector takes HTTP: ZP_TRACE_HTTP";
      return sendJson(response, 503, { error });
    }
    const left = new AbortController();
    response.once("close", () => left.abort());
    const answer = await fetch(new URL(path, this.#traces), { signal: left.signal });
    const type = answer.headers.get("content-type") ?? "application/octet-stream";
    response.writeHead(answer.status, { ...SECURITY, "content-type": type });
    response.flushHeaders();
    if (answer.body === null) response.end();
    else await pipeline(answer.body, response, { signal: left.signal }).catch(() => undefined);
  }

  async #answer(pathname: string, response: ServerResponse): Promise<void> {
    const { answers, streams } = this.#routes;
    const once = find(answers, pathname);
    if (once !== undefined) return sendJson(response, 200, await once.route(once.parameters));
    const stream = find(streams, pathname);
    if (stream === undefined) return sendJson(response, 404, { error: `nothing at ${pathname}` });
    const left = new AbortController();
    response.once("close", () => left.abort());
    await sendEvents(response, stream.route(stream.parameters, left.signal), left.signal);
  }
}

/** @returns `undefined` when the body is too long or no JSON */
async function readJson(request: IncomingMessage): Promise<{ value: unknown } | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    return { value: JSON.parse(Buffer.concat(chunks).toString()) };
  } catch {
    return undefined;
  }
}

function wordsOf(error: unknown): { error: string; code?: string } {
  if (!(error instanceof Error)) return { error: String(error) };
  const { code } = error as { readonly code?: unknown };
  return { error: error.message, ...(typeof code === "string" && { code }) };
}

function find<Route>(
  routes: Readonly<Record<string, Route>>,
  pathname: string,
): { readonly route: Route; readonly parameters: Parameters } | undefined {
  for (const [pattern, route] of Object.entries(routes)) {
    const parameters = match(pattern, pathname);
    if (parameters !== undefined) return { route, parameters };
  }
  return undefined;
}

const pageFile = (name: string): URL => new URL(`../page/${name}`, import.meta.url);

async function serveFile(response: ServerResponse, file: URL, type: string): Promise<void> {
  const bytes = await readFile(file);
  response.writeHead(200, { ...SECURITY, "content-type": `${type}; charset=utf-8` }).end(bytes);
}

async function serveAsset(response: ServerResponse, pathname: string): Promise<void> {
  const type = TYPES[pathname.slice(pathname.lastIndexOf(".") + 1)] ?? "text/plain";
  await serveFile(response, new URL(`.${pathname}`, BUILT), type);
}

async function serveBuilt(response: ServerResponse): Promise<void> {
  const file = new URL("index.html", BUILT);
  if (existsSync(file)) return serveFile(response, file, "text/html");
  const error = "the trace pages are not built: npm run build -w apps/console";
  sendJson(response, 503, { error });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { ...SECURITY, "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

async function sendEvents(
  response: ServerResponse,
  events: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { ...SECURITY, "content-type": "text/event-stream" });
  response.flushHeaders();
  for await (const event of events) {
    if (signal.aborted) return;
    const room = response.write(`data: ${JSON.stringify(event)}\n\n`);
    if (!room)
      await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
  }
  response.end();
}

function match(pattern: string, pathname: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const parts = pathname.split("/");
  if (wanted.length !== parts.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [at, want] of wanted.entries()) {
    const part = decodeURIComponent(parts[at] ?? "");
    if (want.startsWith(":")) parameters[want.slice(1)] = part;
    else if (want !== part) return undefined;
  }
  return parameters;
}
