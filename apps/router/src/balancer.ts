import { Agent } from "node:http";
import { performance } from "node:perf_hooks";
import type { Route } from "@zeroplane/deploy-api";

type Address = Route["instances"][number];

/** One instance as the router knows it. */
export class Upstream {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Its kept connections, at most 64 idle ones, so that they can be closed when it leaves the table. */
  readonly agent: Agent;
  /** Requests and upgraded connections it is serving now. */
  inFlight = 0;
  /** True when it is in no route any more and only ends what it is serving. */
  isLeaving = false;
  /** Not chosen before this time, if there is another; monotonic milliseconds. */
  ejectedUntilMs = 0;

  /** @param address where it listens */
  constructor(address: Address) {
    this.id = address.id;
    this.host = address.host;
    this.port = address.port;
    this.agent = new Agent({ keepAlive: true, maxFreeSockets: 64, scheduling: "lifo" });
  }
}

/**
 * Chooses an instance for each request: of those not set aside, the one with the fewest requests in
 * flight, in turn among equals. An instance that refused a connection is set aside a short time; a
 * route whose instances are all set aside is tried all the same, so no app is ever shut out whole.
 */
export class Balancer {
  readonly #ejectMs: number;
  readonly #upstreams = new Map<string, Upstream>();
  #turn = 0;

  /** @param ejectMs how long an instance that refused a connection is set aside, milliseconds */
  constructor(ejectMs: number) {
    this.#ejectMs = ejectMs;
  }

  /**
   * @param instances those of the route
   * @param tried those this request has been to; never chosen again
   * @returns undefined when there is none left
   */
  choose(instances: readonly Address[], tried: ReadonlySet<Upstream>): Upstream | undefined {
    const nowMs = performance.now();
    const turn = this.#turn++;
    let best: Upstream | undefined;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let step = 0; step < instances.length; step++) {
      const address = instances[(turn + step) % instances.length];
      if (address === undefined) continue;
      const upstream = this.#upstreamOf(address);
      if (tried.has(upstream)) continue;
      const cost = upstream.inFlight + (upstream.ejectedUntilMs > nowMs ? 1e9 : 0);
      if (cost >= bestCost) continue;
      best = upstream;
      bestCost = cost;
    }
    return best;
  }

  /** Sets an instance aside that refused a connection. */
  eject(upstream: Upstream): void {
    upstream.ejectedUntilMs = performance.now() + this.#ejectMs;
  }

  /** Notes that a request goes to an instance. */
  begin(upstream: Upstream): void {
    upstream.inFlight++;
  }

  /** Notes that it has ended; forgets the instance if it was the last of one that leaves. */
  end(upstream: Upstream): void {
    upstream.inFlight--;
    if (upstream.isLeaving) this.#forgetIdle(upstream);
  }

  /** Takes note of a new table: instances that are in no route leave as soon as they are idle. */
  retain(routes: readonly Route[]): void {
    const wanted = new Set(routes.flatMap((route) => route.instances.map(keyOf)));
    for (const upstream of this.#upstreams.values()) {
      upstream.isLeaving = !wanted.has(keyOf(upstream));
      if (upstream.isLeaving) this.#forgetIdle(upstream);
    }
  }

  /** Requests and upgraded connections that instances of this name are serving. */
  inFlight(id: string): number {
    let sum = 0;
    for (const upstream of this.#upstreams.values())
      if (upstream.id === id) sum += upstream.inFlight;
    return sum;
  }

  /** Its kept connections are closed: the app may wait for that in order to end. */
  #forgetIdle(upstream: Upstream): void {
    if (upstream.inFlight > 0) return;
    this.#upstreams.delete(keyOf(upstream));
    upstream.agent.destroy();
  }

  #upstreamOf(address: Address): Upstream {
    const key = keyOf(address);
    let upstream = this.#upstreams.get(key);
    if (upstream === undefined) {
      upstream = new Upstream(address);
      this.#upstreams.set(key, upstream);
    }
    return upstream;
  }
}

function keyOf(address: Address): string {
  return `${address.id} ${address.host}:${address.port}`;
}
