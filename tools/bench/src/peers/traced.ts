import type { Interceptor, Observer } from "@zeroplane/link";
import { connect, serve } from "@zeroplane/rpc";
import { startTracing, type Tracing, tracingInterceptor } from "@zeroplane/tracing";
import type { Peer } from "./peer.ts";
import { Sums } from "./zeroplane.ts";

/** Leaves out who waits for a call: its promise is a plain one, and no span has `zp.await_ns`. */
const unwatched: Interceptor = Object.defineProperty(
  (...args: Parameters<Interceptor>) => tracingInterceptor(...args),
  "observer",
  { get: () => tracingInterceptor.observer && withoutWaits(tracingInterceptor.observer) },
);

function withoutWaits(observer: Observer): Observer {
  return {
    begin: (beginning) => {
      const observed = observer.begin(beginning);
      return { place: observed.place, ended: (error) => observed.ended(error) };
    },
  };
}

/** Spans are encoded and compressed as they are for a collector, and then thrown away. */
const sink = { push: () => undefined };

function traced(name: string, sampleRatio: number, by: Interceptor = tracingInterceptor): Peer {
  const interceptors = [by];
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

/** Our own rpc with a span on each side of every call. One client a process at a time. */
export const tracedPeer: Peer = traced("traced", 1);

/** The same without knowing who waits for a call. */
export const unwatchedPeer: Peer = traced("traced, waits unseen", 1, unwatched);

/** A span on each side of every call, and of one in 16. */
export const tracedPeers: readonly Peer[] = [tracedPeer, traced("sampled 1/16", 1 / 16)];
