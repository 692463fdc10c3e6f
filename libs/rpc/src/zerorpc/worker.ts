import { SafeSocket } from "@zeroplane/link";
import { Service } from "../service.ts";
import { ZerorpcServer } from "./server.ts";

/** How an object serves callers that are bound. */
export interface WorkerOptions {
  /** Where the callers, or the proxy before them, are bound. */
  readonly connect: string | readonly string[];
  /** Name of the service (default the class's name). */
  readonly name?: string;
  /** Between two heartbeats, milliseconds (default 5 000); the callers must have the same. */
  readonly heartbeatMs?: number;
}

/** A server that has gone to its callers. */
export interface Worker extends AsyncDisposable {
  /** Where it is connected. */
  readonly endpoints: readonly string[];
  /** Takes no more calls and ends. */
  close(): Promise<void>;
}

const HEARTBEAT_MS = 5_000;
const CALLS_MAX = 4_096;
const TICK_MS = 25;
const DELIMITER = Buffer.alloc(0);

/**
 * Serves `target` to zerorpc callers that are bound, as a worker behind a proxy does.
 * @throws LinkError ERR_LINK_ENDPOINT when one is no endpoint
 */
export function serveWorker(target: object, options: WorkerOptions): Worker {
  const { heartbeatMs = HEARTBEAT_MS, name } = options;
  const socket = new SafeSocket("router");
  const server = new ZerorpcServer({
    service: new Service(target, name),
    callsMax: CALLS_MAX,
    interceptor: undefined,
    heartbeatMs,
    paths: false,
    send: (envelope, payload) => void socket.send([...envelope, DELIMITER, payload]),
  });
  try {
    for (const endpoint of [options.connect].flat()) socket.connect(endpoint);
  } catch (error) {
    socket.close();
    throw error;
  }
  const timer = setInterval(() => server.tick(performance.now()), TICK_MS).unref();
  void (async () => {
    for await (const frames of socket) {
      const payload = frames.at(-1);
      if (payload === undefined || frames.length < 2) continue;
      const envelope = frames.slice(0, Math.max(1, frames.length - 2));
      server.receive(
        envelope.map((frame) => Buffer.from(frame)),
        payload,
        performance.now(),
      );
    }
  })();
  const close = async (): Promise<void> => {
    server.drain();
    clearInterval(timer);
    server.close();
    await socket[Symbol.asyncDispose]();
  };
  const { endpoints } = socket.stats();
  return { endpoints, close, [Symbol.asyncDispose]: close };
}
