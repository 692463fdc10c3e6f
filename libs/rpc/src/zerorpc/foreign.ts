import type { Listener } from "@zeroplane/link";
import { ZerorpcServer, type ZerorpcServerOptions } from "./server.ts";

const DELIMITER = Buffer.alloc(0);

/** Lets the zerorpc peers that come to `listener` call. @returns the server, and its end */
export function serveForeign(
  listener: Listener,
  options: Omit<ZerorpcServerOptions, "send">,
): { readonly server: ZerorpcServer; readonly withdraw: () => void } {
  let sending: (frames: readonly Uint8Array[]) => void = () => undefined;
  const server = new ZerorpcServer({
    ...options,
    send: (envelope, payload) => sending([...envelope, DELIMITER, payload]),
  });
  const stop = listener.foreign((send) => {
    sending = send;
    return {
      receive: (route, frames) => {
        const payload = frames.at(-1);
        if (payload === undefined) return false;
        // What stands before the delimiter are the proxies on the way; who has none is taken too.
        const envelope = [route, ...frames.slice(0, -2)].map((frame) => Buffer.from(frame));
        return server.receive(envelope, payload, performance.now());
      },
      lost: (route) => server.lost(route),
    };
  });
  const withdraw = (): void => {
    server.close();
    stop();
  };
  return { server, withdraw };
}
