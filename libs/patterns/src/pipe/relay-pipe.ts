import { type DialKeys, type Gate, SafeSocket } from "@zeroplane/link";
import { bindLane, type Lane, type LaneOptions } from "../lane.ts";
import { offerUntilTaken } from "./offering.ts";

/** Options of {@link relayPipe}. */
export interface RelayPipeOptions extends LaneOptions {
  /** Where the collector is. */
  readonly to: string;
  /** Keys towards the collector. */
  readonly dial?: DialKeys | undefined;
}

/** Records that libzmq may hold on each side. */
const QUEUE_MAX = 16;

/** Telemetry that comes in at a port and goes on to a collector. See {@link relayPipe}. */
export class PipeRelay implements AsyncDisposable {
  /** Where pipes connect. */
  readonly port: number;
  readonly #from: Lane;
  readonly #to: SafeSocket;
  #closed = false;
  #records = 0;
  #waits = 0;

  /** Use {@link relayPipe}. */
  constructor(from: Lane, to: SafeSocket) {
    this.port = from.port;
    this.#from = from;
    this.#to = to;
    void this.#run();
  }

  /** Records passed on, and times that one had to wait for the collector. */
  stats(): { readonly records: number; readonly waits: number } {
    return { records: this.#records, waits: this.#waits };
  }

  /** Stops; what is on its way is a hole in its sender's numbers. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#from.socket[Symbol.asyncDispose]();
    this.#from.end();
    await this.#to[Symbol.asyncDispose]();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    const offering = { isOver: () => this.#closed, onWait: () => void this.#waits++ };
    // While a record waits nothing is taken from the senders: they keep, and drop by rank.
    for await (const frames of this.#from.socket) {
      if (await offerUntilTaken(this.#to, frames, offering)) this.#records++;
    }
  }
}

/**
 * A broker for pipes: takes from any number of senders and passes on to one collector, unread. It
 * keeps a few records only; while the collector is away the senders keep, and drop by rank.
 * @throws LinkError when it cannot be bound
 */
export async function relayPipe(options: RelayPipeOptions): Promise<PipeRelay> {
  const make = (security: Gate["security"] | undefined): SafeSocket =>
    new SafeSocket("pull", { security, highWaterMark: QUEUE_MAX });
  const from = await bindLane(make, options);
  const to = new SafeSocket("push", {
    security: options.dial,
    immediate: true,
    highWaterMark: QUEUE_MAX,
  });
  to.connect(options.to);
  return new PipeRelay(from, to);
}
