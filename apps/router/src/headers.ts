import type { IncomingMessage } from "node:http";

/** Headers of one connection, not of the message (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** A Connection header may name what to leave out, but never what frames or routes the message. */
const NEVER_NAMED = new Set(["content-length", "host"]);

/** What the router tells an app about a request. */
export interface Forwarded {
  readonly requestId: string;
  /** Keep what the client says about its own origin: only behind another trusted proxy. */
  readonly trustForwarded: boolean;
  /** More headers for the app; each takes the place of one with its name. */
  readonly extra: Readonly<Record<string, string>>;
}

/**
 * The headers for the app, as name, value, name, value: what the client sent without what belongs to
 * its connection, and with where the request came from.
 * @param request what the client sent
 * @param forwarded what the router adds
 */
export function requestHeaders(request: IncomingMessage, forwarded: Forwarded): string[] {
  const { headers, socket } = request;
  const trusted = forwarded.trustForwarded;
  const from = socket.remoteAddress ?? "unknown";
  const before = trusted ? headers["x-forwarded-for"] : undefined;
  const proto = "encrypted" in socket && socket.encrypted === true ? "https" : "http";
  const own: Record<string, string> = {
    "x-forwarded-for": before === undefined ? from : `${String(before)}, ${from}`,
    "x-forwarded-proto": (trusted && text(headers["x-forwarded-proto"])) || proto,
    "x-forwarded-host": (trusted && text(headers["x-forwarded-host"])) || (headers.host ?? ""),
    "x-request-id": forwarded.requestId,
  };
  for (const [name, value] of Object.entries(forwarded.extra)) own[name.toLowerCase()] = value;
  const kept = endToEnd(request, (name) => name in own || name === "expect");
  return [...kept, ...Object.entries(own).flat()];
}

/**
 * The headers of an answer for the client, as name, value, name, value.
 * @param response what the app answered
 * @param by how the request is known, for the client to name it, and the instance that answered
 */
export function responseHeaders(
  response: IncomingMessage,
  by: { readonly requestId: string; readonly instance: string },
): string[] {
  const kept = endToEnd(response, (name) => name === "x-request-id" || name === "x-zp-instance");
  return [...kept, "X-Request-Id", by.requestId, "X-Zp-Instance", by.instance];
}

/** The name of a request: what the client calls it, if that is harmless, else undefined. */
export function requestIdOf(request: IncomingMessage): string | undefined {
  const id = text(request.headers["x-request-id"]);
  return id !== undefined && /^[\w.:=-]{1,128}$/.test(id) ? id : undefined;
}

function endToEnd(message: IncomingMessage, isDropped: (name: string) => boolean): string[] {
  const connection = (message.headers.connection ?? "").toLowerCase().split(/\s*,\s*/);
  const named = new Set(connection).difference(NEVER_NAMED);
  const kept: string[] = [];
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    const name = message.rawHeaders[at] ?? "";
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || named.has(lower) || isDropped(lower)) continue;
    kept.push(name, message.rawHeaders[at + 1] ?? "");
  }
  return kept;
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
