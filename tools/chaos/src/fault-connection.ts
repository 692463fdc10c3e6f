import { connect, type Socket } from "node:net";
import { Lane, type LaneRules } from "./fault-lane.ts";

/** Where the real server is. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** One client's connection through a proxy: two sockets and a lane each way. */
export class FaultConnection {
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #rules: LaneRules;
  readonly #lanes: readonly [Lane, Lane];
  #isHalfDead = false;
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<unknown>;

  constructor(client: Socket, target: Target, rules: LaneRules) {
    this.#client = client;
    this.#target = connect({ ...target, allowHalfOpen: true, noDelay: true });
    this.#rules = rules;
    client.setNoDelay(true);
    this.#lanes = [
      new Lane("toTarget", { from: this.#client, to: this.#target }, rules),
      new Lane("toClient", { from: this.#target, to: this.#client }, rules),
    ];
    this.closed = Promise.all([
      this.#watch(this.#client, this.#target, "toTarget"),
      this.#watch(this.#target, this.#client, "toClient"),
    ]);
  }

  /** True when bytes of it, or the death of one side, vanished: it can never be continued. */
  get holed(): boolean {
    return this.#isHalfDead || this.#lanes.some((lane) => lane.holed);
  }

  refresh(): void {
    for (const lane of this.#lanes) lane.refresh();
  }

  /** Ends it with a reset to both sides. */
  cut(): void {
    for (const lane of this.#lanes) lane.stop();
    reset(this.#client);
    reset(this.#target);
  }

  /** The sudden end of one side ends the other, unless news of it vanishes too. */
  #watch(socket: Socket, other: Socket, direction: "toTarget" | "toClient"): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let failed = false;
    socket.once("error", () => {
      failed = true;
    });
    socket.once("close", () => {
      resolve();
      if (!failed || other.destroyed) return;
      if (this.#rules.swallows.has(direction)) this.#isHalfDead = true;
      else this.cut();
    });
    return promise;
  }
}

/**
 * Ends a socket with a reset where that can be: one that is still connecting cannot send one, and one
 * that says its end just now is not reset by libuv (EINVAL), and would never close.
 */
export function reset(socket: Socket): void {
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
