import { connect, serve } from "@zeroplane/rpc";
import type { Peer } from "./peer.ts";

/** More than the calls that are left pending to see what they cost. */
const CALLS_MAX = 16_384;

/** What our own peer serves. */
export class Sums {
  add(a: number, b: number): number {
    return a + b;
  }

  echo(body: Uint8Array): Uint8Array {
    return body;
  }

  *items(count: number): Generator<number> {
    for (let i = 0; i < count; i++) yield i;
  }

  /** Answers nobody. */
  hold(_a: number, _b: number): Promise<number> {
    return new Promise(() => undefined);
  }
}

/** Our own rpc, with deadlines, cancellation and errors on. */
export const zeroplane: Peer = {
  name: "zeroplane",
  serve: async () => (await serve(new Sums(), { callsMax: CALLS_MAX })).endpoint,
  connect: async (endpoint) => {
    const client = connect<Sums>(endpoint);
    await client.add(0, 0);
    const close = async (): Promise<void> => {
      await client[Symbol.asyncDispose]();
    };
    return {
      call: (a, b) => client.add(a, b),
      echo: ({ bytes }) => client.echo(bytes),
      items: (count) => client.items(count),
      close,
    };
  },
};
