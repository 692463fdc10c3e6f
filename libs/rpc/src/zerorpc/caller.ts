import { hasDraft, SafeSocket } from "@zeroplane/link";
import type { Caller } from "../caller.ts";
import type { PendingCall } from "../pending-call.ts";
import { CallerCore } from "./caller-core.ts";

/** How a zerorpc server is called. */
export interface ZerorpcCallerOptions {
  /** Between two heartbeats, milliseconds (default 5 000); the server must have the same. */
  readonly heartbeatMs?: number;
  /** Called when the connection has ended; only where libzmq tells. */
  readonly onLost?: () => void;
}

const HEARTBEAT_MS = 5_000;
const TICK_MS = 25;
const DELIMITER = Buffer.alloc(0);
/** What our own socket tells us; it never leaves this process. */
const LOST = Buffer.from("c1", "hex");

/** Calls of one zerorpc server, over a socket of their own. */
export class ZerorpcCaller implements Caller {
  readonly endpoint: string;
  readonly whyDown = undefined;
  readonly #socket: SafeSocket;
  readonly #core: CallerCore;
  readonly #onLost: (() => void) | undefined;
  readonly #timer: NodeJS.Timeout;

  /**
   * @param endpoint of the server, there now or later
   * @throws LinkError ERR_LINK_ENDPOINT when that is not an endpoint
   */
  constructor(endpoint: string, options: ZerorpcCallerOptions = {}) {
    const { heartbeatMs = HEARTBEAT_MS, onLost } = options;
    this.endpoint = endpoint;
    this.#onLost = onLost;
    this.#socket = new SafeSocket("dealer", hasDraft ? { lostMessage: LOST } : {});
    const send = (payload: Uint8Array): void => void this.#socket.send([DELIMITER, payload]);
    this.#core = new CallerCore({ endpoint, heartbeatMs, send });
    this.#socket.connect(endpoint);
    this.#timer = setInterval(() => this.#core.tick(performance.now()), TICK_MS).unref();
    void this.#run();
  }

  get peerName(): string {
    return this.endpoint;
  }

  /** Calls wait in the socket while nobody is there. */
  get isUp(): boolean {
    return !this.#socket.closed;
  }

  get open(): number {
    return this.#core.open;
  }

  start(call: PendingCall, nowMs: number): void {
    this.#core.start(call, nowMs);
  }

  grant(call: PendingCall, bytes: number): void {
    this.#core.grant(call, bytes);
  }

  cancel(call: PendingCall): void {
    this.#core.cancel(call);
  }

  ended(call: PendingCall): void {
    this.#core.ended(call);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#core.close();
    await this.#socket[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    for await (const frames of this.#socket) {
      const payload = frames.at(-1);
      if (payload === undefined) continue;
      if (frames.length > 1 || !payload.equals(LOST)) {
        this.#core.receive(payload, performance.now());
        continue;
      }
      this.#core.lost();
      this.#onLost?.();
    }
  }
}
