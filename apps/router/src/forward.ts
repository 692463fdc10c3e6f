import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Upstream } from "./balancer.ts";
import { responseHeaders } from "./headers.ts";
import { RouterError, reasonOf } from "./router-error.ts";

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

/** One request of a client on its way to an app. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** For the app: name, value, name, value. */
  readonly headers: readonly string[];
  /** How long a connection may take, milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long the app may take until its answer begins, milliseconds. */
  readonly answerTimeoutMs: number;
  /** How long an answer may pause, milliseconds. */
  readonly idleTimeoutMs: number;
}

/** Why an instance did not take a request, and whether another one may get it. */
export interface Refused {
  readonly error: RouterError;
  /** Nothing of the body was taken from the client, and sending it again does no harm. */
  readonly mayRetry: boolean;
  /** It did not even accept a connection. */
  readonly isConnectFailure: boolean;
}

/**
 * Sends a request to one instance and its answer to the client.
 * @param exchange the request
 * @param upstream the instance
 * @returns undefined when an answer was passed on whole, else why there was none yet
 * @throws RouterError `ERR_ROUTER_UPSTREAM` when an answer that had begun broke off
 */
export async function forward(
  exchange: Exchange,
  upstream: Upstream,
): Promise<Refused | undefined> {
  const sent = send(exchange, upstream);
  const hangUp = (): void => void sent.outgoing.destroy();
  exchange.response.once("close", hangUp);
  try {
    const answer = await sent.answer;
    if ("error" in answer) return answer;
    await passOn(exchange, answer, upstream.id);
    return undefined;
  } finally {
    exchange.response.removeListener("close", hangUp);
  }
}

interface Sent {
  readonly outgoing: ClientRequest;
  readonly answer: Promise<IncomingMessage | Refused>;
}

function send(exchange: Exchange, upstream: Upstream): Sent {
  const { request: incoming } = exchange;
  const method = incoming.method ?? "GET";
  const hasBody = bodyOf(incoming) !== "none";
  const isIdempotent = IDEMPOTENT.has(method);
  const outgoing = request({
    host: upstream.host,
    port: upstream.port,
    method,
    path: incoming.url ?? "/",
    headers: [...exchange.headers, ...framing(incoming)],
    // A kept connection may be closed by the app just as it is used again. What cannot be sent twice
    // goes over a new one.
    agent: isIdempotent && !hasBody ? upstream.agent : false,
    setDefaultHeaders: false,
  });
  let isConnected = false;
  let bodyTaken = false;
  const begin = (): void => {
    isConnected = true;
    clearTimeout(timer);
    timer = setTimeout(() => outgoing.destroy(new Silence()), exchange.answerTimeoutMs);
    if (!hasBody) return;
    bodyTaken = true;
    incoming.pipe(outgoing);
  };
  let timer = setTimeout(() => outgoing.destroy(new Silence()), exchange.connectTimeoutMs);
  const answer = new Promise<IncomingMessage | Refused>((resolve) => {
    outgoing.once("socket", (socket) => {
      if (socket.connecting) socket.once("connect", begin);
      else begin();
    });
    outgoing.once("response", (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    // The listener stays: an error after the answer began must not end the process.
    outgoing.on("error", (cause) => {
      clearTimeout(timer);
      const error = errorOf(cause, upstream, isConnected);
      const isConnectFailure = !isConnected;
      const mayRetry = !bodyTaken && (isConnectFailure || (isIdempotent && error.status === 502));
      resolve({ error, mayRetry, isConnectFailure });
    });
  });
  if (!hasBody) outgoing.end();
  return { outgoing, answer };
}

/** Nothing came in the time given. */
class Silence extends Error {}

function errorOf(cause: Error, upstream: Upstream, isConnected: boolean): RouterError {
  const who = `instance ${upstream.id}`;
  if (!isConnected) {
    const why = cause instanceof Silence ? "no answer" : reasonOf(cause);
    return new RouterError("ERR_ROUTER_CONNECT", `${who} does not accept connections: ${why}`, {
      cause,
    });
  }
  if (cause instanceof Silence) {
    return new RouterError("ERR_ROUTER_TIMEOUT", `${who} did not answer in time`, { cause });
  }
  const why = reasonOf(cause);
  return new RouterError("ERR_ROUTER_UPSTREAM", `${who} gave no answer: ${why}`, { cause });
}

async function passOn(
  exchange: Exchange,
  answer: IncomingMessage,
  instance: string,
): Promise<void> {
  const { request: incoming, response, requestId } = exchange;
  const status = answer.statusCode ?? 502;
  const headers = responseHeaders(answer, { requestId, instance });
  // What is left of a body that the app did not wait for must not be read as the next request.
  if (!incoming.complete) headers.push("Connection", "close");
  response.writeHead(status, answer.statusMessage, headers);
  // Server-sent events: the headers must not wait for the first event.
  response.flushHeaders();
  answer.setTimeout(exchange.idleTimeoutMs, () => answer.destroy(new Silence()));
  try {
    await pipeline(answer, response);
  } catch (cause) {
    // The client went away; nobody is left to be told.
    if (reasonOf(cause) === "ERR_STREAM_PREMATURE_CLOSE") return;
    const message = `the answer broke off: ${reasonOf(cause)}`;
    throw new RouterError("ERR_ROUTER_UPSTREAM", message, { cause });
  }
}

function bodyOf(incoming: IncomingMessage): "none" | "chunked" | "sized" {
  if (incoming.headers["transfer-encoding"] !== undefined) return "chunked";
  const length = incoming.headers["content-length"];
  return length === undefined || length === "0" ? "none" : "sized";
}

/** Content-Length travels as it came; a chunked body is chunked anew for this connection. */
function framing(incoming: IncomingMessage): string[] {
  return bodyOf(incoming) === "chunked" ? ["Transfer-Encoding", "chunked"] : [];
}
