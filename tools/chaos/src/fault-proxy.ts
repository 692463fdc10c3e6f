import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Random } from "@zeroplane/link/testing";
import { FaultConnection, type Target } from "./fault-connection.ts";
import type { Direction, Faults, LaneCounts, LaneRules } from "./fault-lane.ts";

/** Options of {@link FaultProxy.open}. */
export interface FaultProxyOptions {
  /** Where the real server is, `tcp://host:port`. */
  readonly target: string;
  /** Decides jitter and corruption (default 1). */
  readonly seed?: number;
  /** Faults from the beginning (default none). */
  readonly faults?: Partial<Faults>;
}

/** Counters of a proxy; they only rise. */
export interface FaultStats extends Readonly<LaneCounts> {
  /** Connections taken so far. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections ended with a reset. */
  readonly cut: number;
}

const NO_FAULTS: Faults = {
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: 0,
  corruption: 0,
  corrupts: "both",
};
const HOST = "127.0.0.1";

/**
 * A TCP proxy that misbehaves on demand, for tests with real processes. Bytes keep their order,
 * and at most 1 MiB of them waits in each direction of a connection.
 */
export class FaultProxy implements AsyncDisposable {
  readonly endpoint: string;
  readonly #server: Server;
  readonly #port: number;
  readonly #target: Target;
  readonly #connections = new Set<FaultConnection>();
  readonly #rules: LaneRules & { faults: Faults; readonly swallows: Set<Direction> };
  #taken = 0;
  #cut = 0;

  /** Use {@link FaultProxy.open}. */
  private constructor(server: Server, options: FaultProxyOptions) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.endpoint = `tcp://${HOST}:${this.#port}`;
    const { hostname, port } = new URL(options.target);
    this.#target = { host: hostname, port: Number(port) };
    this.#rules = {
      faults: { ...NO_FAULTS, ...options.faults },
      swallows: new Set(),
      random: new Random(options.seed ?? 1),
      counts: { bytes: { toTarget: 0, toClient: 0 }, delayed: 0, corrupted: 0, swallowed: 0 },
    };
    server.on("connection", (client) => this.#connected(client));
  }

  /** Opens a proxy on a free port of 127.0.0.1. */
  static async open(options: FaultProxyOptions): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, HOST);
    await once(server, "listening");
    return new FaultProxy(server, options);
  }

  /** Changes faults from now on; those not named stay as they are. */
  set(faults: Partial<Faults>): void {
    this.#rules.faults = { ...this.#rules.faults, ...faults };
    this.#refresh();
  }

  /** Ends every connection with a reset. @returns how many there were */
  cut(): number {
    return this.#cutThose(() => true);
  }

  /** From now on what goes that way vanishes, its end too, but the connections stay. */
  halfOpen(way: Direction | "both"): void {
    if (way !== "toClient") this.#rules.swallows.add("toTarget");
    if (way !== "toTarget") this.#rules.swallows.add("toClient");
    this.#refresh();
  }

  /** Refuses new connections. Those that are open stay. */
  pause(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Takes connections again, at the same endpoint. */
  async resume(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, HOST);
    await once(this.#server, "listening");
  }

  /**
   * Ends every fault. Connections of which bytes have vanished are reset: TCP never goes on with
   * a hole in the stream.
   */
  async heal(): Promise<void> {
    this.#rules.swallows.clear();
    this.#cutThose((connection) => connection.holed);
    this.set(NO_FAULTS);
    await this.resume();
  }

  stats(): FaultStats {
    return {
      ...this.#rules.counts,
      bytes: { ...this.#rules.counts.bytes },
      connections: this.#taken,
      open: this.#connections.size,
      cut: this.#cut,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pause();
    const closed = [...this.#connections].map((connection) => connection.closed);
    this.cut();
    await Promise.all(closed);
  }

  #connected(client: Socket): void {
    const connection = new FaultConnection(client, this.#target, this.#rules);
    this.#taken++;
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  #cutThose(chosen: (connection: FaultConnection) => boolean): number {
    const victims = [...this.#connections].filter(chosen);
    for (const connection of victims) connection.cut();
    this.#cut += victims.length;
    return victims.length;
  }

  #refresh(): void {
    for (const connection of this.#connections) connection.refresh();
  }
}
