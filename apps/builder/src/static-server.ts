/**
 * A file server for one folder, copied into the artifact of a static site and started there:
 * `node static-server.mts <folder>`. It reads PORT and HOST (default 127.0.0.1), imports nothing but
 * Node, serves GET and HEAD, hides names that begin with a dot (save `.well-known`) and never leaves
 * its folder, not even by a symbolic link.
 */
import { createReadStream, type Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";

const TYPES: Readonly<Record<string, string>> = {
  ".avif": "image/avif",
  ".css": "text/css; charset=utf-8",
  ".csv": "text/csv; charset=utf-8",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".mp4": "video/mp4",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".xml": "application/xml",
};

interface Found {
  readonly path: string;
  readonly stats: Stats;
}

const root = await realpath(process.argv[2] ?? ".");

/** The real file below the root, or undefined; the real path is checked, so links cannot lead out. */
async function fileAt(path: string): Promise<Found | undefined> {
  try {
    const real = await realpath(join(root, path));
    if (real !== root && !real.startsWith(root + sep)) return undefined;
    return { path: real, stats: await stat(real) };
  } catch {
    return undefined;
  }
}

function pathOf(request: IncomingMessage): string | undefined {
  try {
    const path = decodeURIComponent((request.url ?? "/").split("?", 1)[0] ?? "/");
    const parts = path.split("/");
    const hidden = parts.some((part) => part.startsWith(".") && part !== ".well-known");
    return hidden || path.includes("\0") || path.includes("\\") ? undefined : path;
  } catch {
    return undefined;
  }
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return plain(response, 405, "method not allowed");
  }
  const path = pathOf(request);
  let found = path === undefined ? undefined : await fileAt(path);
  if (found?.stats.isDirectory() === true && path !== undefined) {
    if (!path.endsWith("/")) return redirect(request, response);
    found = await fileAt(`${path}index.html`);
  }
  if (found === undefined && path !== undefined && extname(path) === "" && !path.endsWith("/")) {
    found = await fileAt(`${path}.html`);
  }
  if (found?.stats.isFile() === true) return await send(request, response, found, 200);
  const page = await fileAt("404.html");
  if (page?.stats.isFile() === true) return await send(request, response, page, 404);
  return plain(response, 404, "not found");
}

function redirect(request: IncomingMessage, response: ServerResponse): void {
  const [path = "/", query] = (request.url ?? "/").split("?", 2);
  // One leading slash only: "//host/" in Location would send the browser to another site.
  const place = `/${path.replace(/^\/+/, "")}/${query === undefined ? "" : `?${query}`}`;
  response.writeHead(301, { Location: place, "Content-Length": 0 }).end();
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  found: Found,
  status: number,
): Promise<void> {
  const { path, stats } = found;
  const etag = `"${stats.size.toString(16)}-${Math.trunc(stats.mtimeMs).toString(16)}"`;
  response.setHeader("ETag", etag);
  response.setHeader("Last-Modified", stats.mtime.toUTCString());
  response.setHeader("Cache-Control", "no-cache");
  response.setHeader("X-Content-Type-Options", "nosniff");
  if (status === 200 && isFresh(request, etag, stats)) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader(
    "Content-Type",
    TYPES[extname(path).toLowerCase()] ?? "application/octet-stream",
  );
  response.setHeader("Content-Length", stats.size);
  response.writeHead(status);
  if (request.method === "HEAD" || stats.size === 0) response.end();
  else await pipeline(createReadStream(path, { end: stats.size - 1 }), response);
}

/** RFC 9110 section 13.2.2: If-None-Match wins over If-Modified-Since. */
function isFresh(request: IncomingMessage, etag: string, stats: Stats): boolean {
  const tags = request.headers["if-none-match"];
  if (tags !== undefined) {
    return tags === "*" || tags.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
  }
  const since = Date.parse(request.headers["if-modified-since"] ?? "");
  return Math.trunc(stats.mtimeMs / 1000) * 1000 <= since;
}

function plain(response: ServerResponse, status: number, text: string): void {
  const body = `${status} ${text}\n`;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.writeHead(status, { "Content-Length": Buffer.byteLength(body) }).end(body);
}

const server = createServer((request, response) => {
  response.on("finish", () =>
    console.log(`${request.method} ${request.url} ${response.statusCode}`),
  );
  serve(request, response).catch((error: unknown) => {
    if (!response.headersSent) plain(response, 500, "internal error");
    else response.destroy();
    console.error(`${request.method} ${request.url} failed: ${String(error)}`);
  });
});

process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});

const port = Number(process.env["PORT"] ?? 8080);
const host = process.env["HOST"] ?? "127.0.0.1";
server.listen(port, host, () => {
  const address = server.address();
  const bound = typeof address === "object" ? address?.port : port;
  console.log(`serving files on ${host} port ${bound}`);
});
