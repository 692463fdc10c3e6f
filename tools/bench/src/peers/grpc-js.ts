import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  credentials,
  type Client as GrpcClient,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { Peer } from "./peer.ts";

interface Value<T> {
  readonly value: T;
}

interface Pair {
  readonly a: number;
  readonly b: number;
}

type Done<T> = (error: Error | null, answer?: Value<T>) => void;

interface SumsClient extends GrpcClient {
  add(pair: Pair, done: Done<number>): void;
  echo(body: Value<Uint8Array>, done: Done<Uint8Array>): void;
  items(count: Value<number>): AsyncIterable<Value<number>>;
}

const ANY_PORT = "127.0.0.1:0";

/** gRPC in JavaScript, with its own stubs made from a .proto, without TLS. */
export const grpcJs: Peer = {
  name: "grpc-js",
  serve: async () => {
    const server = new Server();
    server.addService(service(), {
      add: ({ request: { a, b } }: ServerUnaryCall<Pair, unknown>, done: sendUnaryData<unknown>) =>
        done(null, { value: a + b }),
      echo: ({ request }: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) =>
        done(null, request),
      items: (call: ServerWritableStream<Value<number>, unknown>) => void write(call),
    });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    server.bindAsync(ANY_PORT, ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(`127.0.0.1:${port}`) : reject(error),
    );
    return promise;
  },
  connect: async (endpoint) => {
    const Sums = makeGenericClientConstructor(service(), "Sums");
    const client = new Sums(endpoint, credentials.createInsecure()) as unknown as SumsClient;
    const call = (a: number, b: number): Promise<number> =>
      new Promise((resolve, reject) => client.add({ a, b }, settle(resolve, reject)));
    await call(0, 0);
    return {
      call,
      echo: ({ bytes }) =>
        new Promise((resolve, reject) => client.echo({ value: bytes }, settle(resolve, reject))),
      items: (count) => client.items({ value: count }),
      close: async () => client.close(),
    };
  },
};

function service(): ServiceDefinition {
  const file = fileURLToPath(new URL("sums.proto", import.meta.url));
  return loadSync(file)["bench.Sums"] as ServiceDefinition;
}

const settle =
  <T>(resolve: (value: T) => void, reject: (error: unknown) => void): Done<T> =>
  (error, answer) => {
    if (error !== null || answer === undefined) reject(error);
    else resolve(answer.value);
  };

async function write(call: ServerWritableStream<Value<number>, unknown>): Promise<void> {
  for (let value = 0; value < call.request.value; value++) {
    if (!call.write({ value })) await once(call, "drain");
  }
  call.end();
}
