/** What a route has done since the router started. */
export interface RouteStats {
  readonly host: string;
  readonly requests: number;
  /** Answers of 500 and above, the router's own included, and answers that broke off. */
  readonly errors: number;
  /** Times a request was sent on to another instance. */
  readonly retries: number;
  readonly inFlight: number;
  /** From the request's headers to the end of the answer, milliseconds, over finished requests. */
  readonly latencySumMs: number;
  readonly latencyMaxMs: number;
}

/** How one request went, for the counts. */
export interface Finished {
  readonly failed: boolean;
  readonly retries: number;
  readonly ms: number;
}

type Counts = { -readonly [Name in keyof RouteStats]: RouteStats[Name] };

/** Counts per route. Holds one record per route in the table, and per route still in use. */
export class StatsBook {
  readonly #routes = new Map<string, Counts>();
  #unknownHosts = 0;

  /** Requests for hosts without a route. */
  get unknownHosts(): number {
    return this.#unknownHosts;
  }

  /** Counts a request for a host without a route. */
  addUnknownHost(): void {
    this.#unknownHosts++;
  }

  /**
   * Counts a request that begins.
   * @param host the route's host
   * @returns to be called once, when the request has ended
   */
  begin(host: string): (finished: Finished) => void {
    const counts = this.#countsOf(host);
    counts.requests++;
    counts.inFlight++;
    return ({ failed, retries, ms }) => {
      counts.inFlight--;
      counts.retries += retries;
      if (failed) counts.errors++;
      counts.latencySumMs += ms;
      counts.latencyMaxMs = Math.max(counts.latencyMaxMs, ms);
    };
  }

  /** Forgets routes that are gone and idle. */
  retain(hosts: ReadonlySet<string>): void {
    for (const [host, counts] of this.#routes) {
      if (!hosts.has(host) && counts.inFlight === 0) this.#routes.delete(host);
    }
  }

  /** All counts, a copy. */
  list(): RouteStats[] {
    return [...this.#routes.values()].map((counts) => ({ ...counts }));
  }

  #countsOf(host: string): Counts {
    let counts = this.#routes.get(host);
    if (counts === undefined) {
      const zero = { requests: 0, errors: 0, retries: 0, inFlight: 0 };
      counts = { host, ...zero, latencySumMs: 0, latencyMaxMs: 0 };
      this.#routes.set(host, counts);
    }
    return counts;
  }
}
