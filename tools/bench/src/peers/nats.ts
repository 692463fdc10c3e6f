import { Svcm } from "@nats-io/services";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { brokerMissing, startBroker } from "./nats-broker.ts";
import type { Peer } from "./peer.ts";

const TIMEOUT = { timeout: 30_000 };

/** NATS services over a nats-server of its own, JSON arguments, bytes as they are. */
export const nats: Peer = {
  name: "nats",
  missing: brokerMissing,
  serve: async () => {
    const { servers } = await startBroker();
    await offer(await connect({ servers }));
    return servers;
  },
  connect: async (servers) => {
    const connection = await connect({ servers });
    const add = async (a: number, b: number): Promise<number> => {
      const answer = await connection.request("sums.add", JSON.stringify({ a, b }), TIMEOUT);
      return answer.json<number>();
    };
    await add(0, 0);
    return {
      call: add,
      echo: async ({ bytes }) => (await connection.request("sums.echo", bytes, TIMEOUT)).data,
      close: () => connection.close(),
    };
  },
};

async function offer(connection: NatsConnection): Promise<void> {
  const service = await new Svcm(connection as never).add({ name: "sums", version: "1.0.0" });
  const group = service.addGroup("sums");
  group.addEndpoint("add", (_error, message) => {
    const { a, b } = message.json<{ a: number; b: number }>();
    message.respond(JSON.stringify(a + b));
  });
  group.addEndpoint("echo", (_error, message) => {
    message.respond(message.data);
  });
  await connection.flush();
}
