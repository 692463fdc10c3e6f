import { type ClientRequest, type IncomingMessage, request, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Upstream } from "./balancer.ts";
import type { Refused } from "./forward.ts";
import { RouterError, reasonOf } from "./router-error.ts";

/** A client that wants to leave HTTP, for example for WebSocket. */
export interface UpgradeExchange {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Bytes that came after the request's headers. */
  readonly head: Buffer;
  /** For the app: name, value, name, value; without Connection and Upgrade. */
  readonly headers: readonly string[];
  /** How long the app may take to answer, milliseconds. */
  readonly answerTimeoutMs: number;
}

/**
 * Asks one instance for the upgrade and joins the two connections until both are closed. An instance
 * that answers with plain HTTP has its answer passed on.
 * @param exchange the client
 * @param upstream the instance
 * @returns the status the client got, or why there was none
 */
export async function upgrade(
  exchange: UpgradeExchange,
  upstream: Upstream,
): Promise<number | Refused> {
  const { socket } = exchange;
  const outgoing = ask(exchange, upstream);
  const silence = (): void => void outgoing.destroy(new Error("no answer in time"));
  const timer = setTimeout(silence, exchange.answerTimeoutMs);
  const hangUp = (): void => void outgoing.destroy();
  socket.once("close", hangUp);
  try {
    return await answerOf(outgoing, exchange, upstream, () => clearTimeout(timer));
  } finally {
    clearTimeout(timer);
    socket.removeListener("close", hangUp);
  }
}

function ask({ request: incoming, headers }: UpgradeExchange, upstream: Upstream): ClientRequest {
  const protocol = incoming.headers.upgrade ?? "websocket";
  const outgoing = request({
    host: upstream.host,
    port: upstream.port,
    method: incoming.method ?? "GET",
    path: incoming.url ?? "/",
    headers: [...headers, "Connection", "Upgrade", "Upgrade", protocol],
    agent: false,
    setDefaultHeaders: false,
  });
  outgoing.end();
  return outgoing;
}

function answerOf(
  outgoing: ClientRequest,
  exchange: UpgradeExchange,
  upstream: Upstream,
  onAnswer: () => void,
): Promise<number | Refused> {
  const { socket, head } = exchange;
  const { promise, resolve } = Promise.withResolvers<number | Refused>();
  let isConnected = false;
  outgoing.once("socket", (connection) => {
    connection.once("connect", () => {
      isConnected = true;
    });
  });
  outgoing.once("upgrade", (answer, other, otherHead) => {
    onAnswer();
    socket.write(headOf(answer));
    if (otherHead.length > 0) socket.write(otherHead);
    if (head.length > 0) other.write(head);
    void join(socket, other).then(() => resolve(101));
  });
  outgoing.once("response", (answer) => {
    onAnswer();
    socket.write(headOf(answer));
    answer.on("error", () => socket.destroy());
    answer.once("close", () => resolve(answer.statusCode ?? 502));
    answer.pipe(socket);
  });
  // The listener stays: an error after the answer began must not end the process.
  outgoing.on("error", (cause) => {
    const isConnectFailure = !isConnected;
    const code = isConnectFailure ? "ERR_ROUTER_CONNECT" : "ERR_ROUTER_UPSTREAM";
    const message = `instance ${upstream.id} did not take the upgrade: ${reasonOf(cause)}`;
    const error = new RouterError(code, message, { cause });
    resolve({ error, mayRetry: isConnectFailure, isConnectFailure });
  });
  return promise;
}

/** Joins two connections; when one is closed or fails, so is the other. */
async function join(one: Duplex, other: Duplex): Promise<void> {
  const closed = (socket: Duplex): Promise<void> =>
    socket.destroyed
      ? Promise.resolve()
      : new Promise((resolve) => socket.once("close", () => resolve()));
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", () => to.destroy());
    from.once("close", () => to.destroy());
    from.pipe(to);
  }
  await Promise.all([closed(one), closed(other)]);
}

/** Status line and headers as they came: after an upgrade the connection's own headers belong to it. */
function headOf(answer: IncomingMessage): string {
  const status = answer.statusCode ?? 502;
  const lines = [`HTTP/1.1 ${status} ${answer.statusMessage ?? STATUS_CODES[status] ?? ""}`];
  const isUpgrade = status === 101;
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
    const name = answer.rawHeaders[at] ?? "";
    if (!isUpgrade && /^(connection|keep-alive|transfer-encoding)$/i.test(name)) continue;
    lines.push(`${name}: ${answer.rawHeaders[at + 1]}`);
  }
  if (!isUpgrade) lines.push("Connection: close");
  return `${lines.join("\r\n")}\r\n\r\n`;
}
