import { connect, serve } from "@zeroplane/rpc";
import type { Peer } from "./peer.ts";

class Sums {
  add(a: number, b: number): number {
    return a + b;
  }
}

/** Our own rpc, with deadlines, cancellation and errors on. */
export const zeroplane: Peer = {
  name: "zeroplane",
  serve: async () => (await serve(new Sums())).endpoint,
  connect: async (endpoint) => {
    const client = connect<Sums>(endpoint);
    await client.add(0, 0);
    const close = async (): Promise<void> => {
      await client[Symbol.asyncDispose]();
    };
    return { call: (a, b) => client.add(a, b), close };
  },
};
