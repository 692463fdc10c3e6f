import { dnsEndpoints } from "@zeroplane/link";
import { type Beacon, type BeaconParts, openBeacon } from "./beacon.ts";
import type { Address } from "./message.ts";
import { asObject, type DnsSource, type PeerSource } from "./options.ts";

/** What the sources of a peer tell. */
export interface FinderParts {
  readonly give: (source: string, addresses: readonly Address[]) => void;
  readonly beacon: () => BeaconParts;
}

/** Everything that looks for peers. */
export class Finders implements AsyncDisposable {
  readonly #abort = new AbortController();
  readonly #beacons: Beacon[] = [];

  /**
   * Begins to look.
   * @throws PatternError ERR_BAD_OPTION when a beacon cannot use its network
   */
  async open(sources: readonly PeerSource[], { give, beacon }: FinderParts): Promise<void> {
    const seeds: Address[] = [];
    for (const source of sources.map(asObject)) {
      if ("at" in source) seeds.push(source);
      else if ("dns" in source) void this.#lookUp(source, give);
      else this.#beacons.push(await openBeacon(source.beacon, beacon()));
    }
    give("given", seeds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#beacons.map((beacon) => beacon[Symbol.asyncDispose]()));
  }

  async #lookUp({ dns, everyMs, key }: DnsSource, give: FinderParts["give"]): Promise<void> {
    const { signal } = this.#abort;
    const options = { signal, ...(everyMs !== undefined && { everyMs }) };
    for await (const found of dnsEndpoints(dns, options))
      give(
        dns,
        found.map((at) => ({ at, key })),
      );
  }
}
