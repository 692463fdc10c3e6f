import type { ServerResponse } from "node:http";
import { RouterError } from "./router-error.ts";

/** Nothing is served at this host. */
export function noRoute(host: string): RouterError {
  if (host === "") return new RouterError("ERR_ROUTER_BAD_REQUEST", "the request names no host");
  return new RouterError("ERR_ROUTER_UNKNOWN_HOST", `no app is served at ${host}`);
}

/** The app has nothing to send requests to. */
export function noInstance(app: string): RouterError {
  return new RouterError("ERR_ROUTER_NO_INSTANCE", `app ${app} has no healthy instance`);
}

function bodyOf(error: RouterError, id: string): string {
  return `${error.status} ${error.code}: ${error.message}\nrequest ${id}\n`;
}

/** Answers with an error as short plain text; breaks an answer off that has begun. */
export function answerWith(response: ServerResponse, error: RouterError, id: string): void {
  if (response.writableEnded) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = bodyOf(error, id);
  response.writeHead(error.status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
    "X-Request-Id": id,
    // The body of the request was not read.
    ...(response.req.complete ? {} : { Connection: "close" }),
  });
  response.end(body);
}

/** The same for a connection that asked for an upgrade. */
export function rawAnswer(error: RouterError, id: string): string {
  const body = bodyOf(error, id);
  return [
    `HTTP/1.1 ${error.status} ${error.code}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${id}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}
