import { type Gate, SafeSocket } from "@zeroplane/link";
import { bindLane, type Lane, type LaneOptions } from "../lane.ts";
import { CollectorCore, type SenderStats } from "./collector-core.ts";
import { type PipeHead, parseHead } from "./pipe.ts";

/** Options of {@link collectPipe}. */
export interface CollectOptions extends LaneOptions {
  /** Called with each message. */
  readonly onMessage: (head: PipeHead, body: Buffer) => void;
  /** Called when a sender turns out to have lost or dropped `count` messages. */
  readonly onHole?: (head: PipeHead, count: number) => void;
}

/** The collecting end of pipes: every hole in a sender's numbers is counted. */
export class Collector implements AsyncDisposable {
  /** Where pipes connect. */
  readonly port: number;
  readonly #core = new CollectorCore();
  readonly #options: CollectOptions;
  readonly #socket: SafeSocket;
  readonly #end: () => void;
  refused = 0;

  /** Use {@link collectPipe}. */
  constructor(lane: Lane, options: CollectOptions) {
    this.port = lane.port;
    this.#socket = lane.socket;
    this.#end = lane.end;
    this.#options = options;
    void this.#run();
  }

  /** What came, and what is missing, by sender. */
  stats(): SenderStats[] {
    return this.#core.stats();
  }

  /** Stops taking. */
  async close(): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
    this.#end();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    for await (const [head, body] of this.#socket) {
      try {
        if (head === undefined || body === undefined) this.refused++;
        else this.#receive(parseHead(head), body);
      } catch {
        this.refused++;
      }
    }
  }

  #receive(head: PipeHead, body: Buffer): void {
    const missing = this.#core.received(head);
    if (missing > 0) this.#options.onHole?.(head, missing);
    this.#options.onMessage(head, body);
  }
}

/**
 * Collects from every pipe that connects.
 * @throws LinkError when the endpoint cannot be bound
 */
export async function collectPipe(options: CollectOptions): Promise<Collector> {
  const make = (security: Gate["security"] | undefined): SafeSocket =>
    new SafeSocket("pull", { security, highWaterMark: 1_000 });
  return new Collector(await bindLane(make, options), options);
}
