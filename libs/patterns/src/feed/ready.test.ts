import { listen } from "@zeroplane/link";
import { expect, test } from "vitest";
import { follow } from "./follow.ts";
import { openFeed } from "./open-feed.ts";
import { Waiters } from "./ready.ts";

test("a feed waits for its followers, who then see all that is put", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("start", listener);
  const seen: number[][] = [[], [], []];
  const ready = feed.ready(3);
  const followers = seen.map((values) =>
    follow<number>(listener.endpoint, "start", { onItem: ({ value }) => values.push(value) }),
  );
  await ready;
  for (let i = 1; i <= 100; i++) feed.put("t", i);
  for (const values of seen)
    await expect
      .poll(() => values, { timeout: 5_000 })
      .toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  // None of it came from the history: each had the data lane.
  for (const each of followers) expect(each.stats()).toMatchObject([{ filled: 0, gaps: 0 }]);
  await feed.ready(3);
  expect(feed.stats()).toMatchObject({ followers: 3, ready: 3 });
  for (const each of followers) await each.close();
});

test("the wait ends with how many are there, the signal's reason, or the feed", async () => {
  const waiters = new Waiters("ticks");
  waiters.changed(1);
  await waiters.wait(1);
  await expect(waiters.wait(3, { timeoutMs: 20 })).rejects.toMatchObject({
    code: "ERR_TIMEOUT",
    message: expect.stringContaining("ticks has 1 of 3 followers after 20 ms") as string,
  });
  const abort = new AbortController();
  const aborted = waiters.wait(2, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(aborted).rejects.toThrow("enough");
  await expect(waiters.wait(2, { signal: abort.signal })).rejects.toThrow("enough");
  const closed = waiters.wait(2);
  waiters.close();
  await expect(closed).rejects.toMatchObject({ code: "ERR_CLOSED" });
  await expect(waiters.wait(1)).rejects.toMatchObject({ code: "ERR_CLOSED" });
});

test("a feed that is closed ends the waits for it", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const feed = await openFeed<number>("gone", listener);
  const ready = expect(feed.ready(1)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  await feed.close();
  await ready;
});
