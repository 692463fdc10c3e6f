import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import type { Peer } from "./peer.ts";

/** As fast here as no limit at one call in flight, and much faster at hundreds. */
const CONNECTIONS = 64;
const JSON_TYPE = { "content-type": "application/json" };

interface Ask {
  readonly a: number;
  readonly b: number;
  readonly body?: string;
}

/** JSON over node:http, called with undici. */
export const undici: Peer = {
  name: "undici",
  serve: async () => {
    const server = createServer((request, response) => {
      void read(request).then((text) => {
        const { a, b, body } = JSON.parse(text) as Ask;
        response.writeHead(200, JSON_TYPE).end(JSON.stringify({ value: body ?? a + b }));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  connect: async (endpoint) => {
    const pool = new Pool(endpoint, { connections: CONNECTIONS });
    const post = async <T>(ask: object): Promise<T> => {
      const { body } = await pool.request({
        path: "/",
        method: "POST",
        headers: JSON_TYPE,
        body: JSON.stringify(ask),
      });
      return ((await body.json()) as { value: T }).value;
    };
    await post({ a: 0, b: 0 });
    return {
      call: (a, b) => post({ a, b }),
      echo: ({ text }) => post({ body: text }),
      close: () => pool.close(),
    };
  },
};

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
