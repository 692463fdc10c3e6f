import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * An endpoint where nobody listens. That of a ZeroMQ socket which was closed is none: it takes what
 * comes within the next milliseconds, and that is gone.
 */
export async function nobody(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `tcp://127.0.0.1:${port}`;
}
