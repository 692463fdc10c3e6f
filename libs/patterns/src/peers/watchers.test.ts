import { expect, test } from "vitest";
import { Watchers } from "./watchers.ts";

test("a reader has what there was, then every event, in order, and ends after the last", async () => {
  const watchers = new Watchers<number>();
  const reader = watchers.events([1, 2]);
  watchers.tell(3);
  const reading = Array.fromAsync(reader);
  watchers.tell(4);
  watchers.close();
  expect(await reading).toEqual([1, 2, 3, 4]);
  expect(await Array.fromAsync(watchers.events([9]))).toEqual([9]);
});

test("a reader that is too slow is told what it missed, and others are not held up", async () => {
  const watchers = new Watchers<number>();
  const [slow, quick] = [watchers.events([]), watchers.events([])];
  for (let i = 0; i < 1_030; i++) {
    watchers.tell(i);
    expect(await quick.next()).toEqual({ done: false, value: i });
  }
  for (let i = 0; i < 1_024; i++) expect(await slow.next()).toEqual({ done: false, value: i });
  await expect(slow.next()).rejects.toMatchObject({ code: "ERR_OVERLOADED" });
  expect(await slow.next()).toEqual({ done: true, value: undefined });
});

test("whoever waits is let go by a signal, and by the end of the loop", async () => {
  const watchers = new Watchers<number>();
  const abort = new AbortController();
  const reading = Array.fromAsync(watchers.events([], abort.signal));
  const other = watchers.events([]);
  const waiting = other.next();
  abort.abort();
  await other.return();
  expect([await reading, await waiting]).toEqual([[], { done: true, value: undefined }]);
  expect(await Array.fromAsync(watchers.events([1], AbortSignal.abort()))).toEqual([]);
});

test("what is only the latest is given when it is another one", async () => {
  const watchers = new Watchers<number>();
  let value: number | undefined;
  const reader = watchers.latest(() => value, { key: String });
  const first = reader.next();
  watchers.tell(0);
  for (value of [1, 2, 3]) watchers.tell(0);
  expect((await first).value).toBe(3);
  const second = reader.next();
  watchers.tell(0);
  value = 4;
  watchers.tell(0);
  expect((await second).value).toBe(4);
});
