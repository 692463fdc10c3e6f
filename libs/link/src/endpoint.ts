import { LinkError } from "./errors.ts";

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;
const TCP = /^tcp:\/\/(\[[0-9a-fA-F:]+\]|[^:/\s]+):(\d{1,5}|\*)$/;

/** A tcp endpoint in its parts. `port` is 0 when any free one will do (`*`). */
export interface TcpEndpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Parts of `tcp://host:port`; `undefined` for `ipc://` and `inproc://`, which have none.
 * @throws LinkError ERR_LINK_ENDPOINT when it is none of the three
 */
export function parseEndpoint(endpoint: string): TcpEndpoint | undefined {
  if (/^(ipc|inproc):\/\/.+/.test(endpoint)) return undefined;
  const [, host, port] = TCP.exec(endpoint) ?? [];
  if (host === undefined || port === undefined || Number(port) > 65_535) {
    const shape = "write tcp://host:port, tcp://host:* or ipc:///path";
    throw new LinkError(
      "ERR_LINK_ENDPOINT",
      `not an endpoint: ${JSON.stringify(endpoint)}; ${shape}`,
    );
  }
  return { host, port: port === "*" ? 0 : Number(port) };
}

/** True when only this machine can reach `endpoint`. */
export function isLocal(endpoint: string): boolean {
  const tcp = parseEndpoint(endpoint);
  return tcp === undefined || LOOPBACK.test(tcp.host);
}

/** How this machine itself reaches a bound endpoint: a wildcard address becomes loopback. */
export function toDial(bound: string): string {
  return bound.replace(/^tcp:\/\/(0\.0\.0\.0|\*|\[::\]):/, "tcp://127.0.0.1:");
}
