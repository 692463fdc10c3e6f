import { listen } from "@zeroplane/link";
import { follow, openFeed } from "@zeroplane/patterns";
import { Publisher, Subscriber } from "zeromq";
import { BODY, NAME, TOPIC } from "./body.ts";

/** From putting one message to the handler, in one process, microseconds at the median. */
export interface FeedLatency {
  readonly zeroplane: number;
  readonly raw: number;
}

const WARM = 200;

/** One message at a time, ours and raw in turn. */
export async function measureLatency(count: number): Promise<FeedLatency> {
  const samples = { zeroplane: [] as number[], raw: [] as number[] };
  let came: () => void = () => undefined;
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<Uint8Array>(NAME, listener);
  await using _follower = follow<Uint8Array>(listener.endpoint, NAME, { onItem: () => came() });
  await feed.ready(1);
  const [pub, sub] = [new Publisher(), new Subscriber()];
  await pub.bind("tcp://127.0.0.1:*");
  sub.connect(pub.lastEndpoint ?? "");
  sub.subscribe(TOPIC);
  void (async () => {
    for await (const _ of sub) came();
  })();
  const frames = [TOPIC, BODY];
  const send = {
    zeroplane: () => void feed.put(TOPIC, BODY),
    raw: () => void pub.send(frames),
  };
  await new Promise((resolve) => setTimeout(resolve, WARM));
  for (let at = 0; at < count + WARM; at++) {
    for (const name of at % 2 === 0
      ? (["zeroplane", "raw"] as const)
      : (["raw", "zeroplane"] as const)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      came = resolve;
      const startMs = performance.now();
      send[name]();
      await promise;
      if (at >= WARM) samples[name].push(performance.now() - startMs);
    }
  }
  pub.close();
  sub.close();
  const median = (all: number[]): number =>
    Math.round((all.sort((a, b) => a - b)[all.length >> 1] ?? 0) * 1_000);
  return { zeroplane: median(samples.zeroplane), raw: median(samples.raw) };
}
