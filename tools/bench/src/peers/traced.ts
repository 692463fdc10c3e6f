import { connect, serve } from "@zeroplane/rpc";
import { startTracing, type Tracing, tracingInterceptor } from "@zeroplane/tracing";
import type { Peer } from "./peer.ts";
import { Sums } from "./zeroplane.ts";

const interceptors = [tracingInterceptor];
/** Spans are encoded and compressed as they are for a collector, and then thrown away. */
const sink = { push: () => undefined };

function traced(name: string, sampleRatio: number): Peer {
  const start = (): Tracing => startTracing({ service: "bench", node: name, sink, sampleRatio });
  return {
    name,
    serve: async () => {
      start();
      return (await serve(new Sums(), { interceptors })).endpoint;
    },
    connect: async (endpoint) => {
      const tracing = start();
      const client = connect<Sums>(endpoint, { interceptors });
      await client.add(0, 0);
      return {
        call: (a, b) => client.add(a, b),
        echo: ({ bytes }) => client.echo(bytes),
        close: async () => {
          await client[Symbol.asyncDispose]();
          await tracing[Symbol.asyncDispose]();
        },
      };
    },
  };
}

/** Our own rpc with a span on each side of every call, and of one in 16. One client a process at a time. */
export const tracedPeers: readonly Peer[] = [traced("traced", 1), traced("sampled 1/16", 1 / 16)];
