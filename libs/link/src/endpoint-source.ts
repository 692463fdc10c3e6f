import { lookup } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isLocal } from "./endpoint.ts";

/** Endpoints that change: each list replaces the one before. */
export type EndpointSource = AsyncIterable<readonly string[]>;

const EVERY_MS = 5_000;
const TCP = /^tcp:\/\/([^:/[\]]+):(\d+)$/;

/**
 * The addresses behind a name, looked up again and again: a list each time that they have changed.
 * @param endpoint `tcp://name:port`
 * @param options `everyMs` between look-ups (default 5 000); `signal` ends it
 * @throws RangeError when `endpoint` is no such thing. A name that cannot be resolved is tried again.
 */
export async function* dnsEndpoints(
  endpoint: string,
  options: { readonly everyMs?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<readonly string[], void, undefined> {
  const { everyMs = EVERY_MS, signal } = options;
  const [, host, port] = TCP.exec(endpoint) ?? [];
  if (host === undefined || port === undefined) {
    throw new RangeError(`${JSON.stringify(endpoint)} has no name to look up: tcp://name:port`);
  }
  let known = "";
  while (signal?.aborted !== true) {
    const found = await addresses(host, port);
    if (found.length > 0 && found.join() !== known) {
      known = found.join();
      yield found;
    }
    await sleep(everyMs, undefined, { ref: false, ...(signal && { signal }) }).catch(
      () => undefined,
    );
  }
}

async function addresses(host: string, port: string): Promise<string[]> {
  try {
    const found = await lookup(host, {
      all: true,
      family: isLocal(`tcp://${host}:${port}`) ? 4 : 0,
    });
    const written = found.map(({ address, family }) => (family === 6 ? `[${address}]` : address));
    return written.map((address) => `tcp://${address}:${port}`).sort();
  } catch {
    return [];
  }
}
