import { type Context, ServiceBroker } from "moleculer";
import { freePort } from "./free-port.ts";
import type { Peer } from "./peer.ts";

const SERVER = "sums-server";
const PACKET_BYTES_MAX = 4_000_000;

/** Moleculer over its own TCP transporter, JSON, nothing discovered. */
export const moleculer: Peer = {
  name: "moleculer",
  serve: async () => {
    const url = `127.0.0.1:${await freePort()}/${SERVER}`;
    const broker = brokerOf(SERVER, url);
    broker.createService({
      name: "sums",
      actions: {
        add: ({ params: { a, b } }: Context<{ a: number; b: number }>) => a + b,
        echo: ({ params: { body } }: Context<{ body: string }>) => body,
      },
    });
    await broker.start();
    return url;
  },
  connect: async (endpoint) => {
    const broker = brokerOf(`sums-client-${process.pid}`, endpoint);
    await broker.start();
    await broker.waitForServices("sums");
    return {
      call: (a, b) => broker.call("sums.add", { a, b }),
      echo: ({ text }) => broker.call("sums.echo", { body: text }),
      close: () => broker.stop(),
    };
  },
};

function brokerOf(nodeID: string, url: string): ServiceBroker {
  const options = { udpDiscovery: false, urls: url, maxPacketSize: PACKET_BYTES_MAX };
  const broker = new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: "TCP", options },
  });
  // Otherwise the other side is told to come back over the name of this machine.
  const { localNode } = broker.registry.nodes;
  if (localNode !== undefined) localNode.hostname = "127.0.0.1";
  return broker;
}
