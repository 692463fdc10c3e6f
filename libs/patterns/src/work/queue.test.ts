import { fork } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dial, listen, RemoteError, relay } from "@zeroplane/link";
import { expect, test, vi } from "vitest";
import { type Message, tell } from "../channel.ts";
import { attach } from "../names.ts";
import { JournalStore } from "../testing/journal-store.ts";
import { VERB_WORK } from "../verbs.ts";
import { Kind } from "./protocol.ts";
import { openQueue, Queue } from "./queue.ts";
import { connectQueue } from "./remote-queue.ts";
import { startWorker } from "./worker.ts";

const file = (): string => join(mkdtempSync(join(tmpdir(), "zp-work-")), "jobs.db");

test("a job reaches a worker, reports progress and gives its result", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const progress: unknown[] = [];
  await using queue = openQueue<number, number>("double", listener, {
    onProgress: (_id, value) => progress.push(value),
  });
  await using worker = startWorker<number, number>(listener.endpoint, "double", async (n, job) => {
    job.progress({ half: n });
    return n * 2;
  });
  const { id } = await queue.add(21);
  await expect.poll(() => queue.get(id)?.state).toBe("done");
  expect(queue.get(id)?.result).toBe(42);
  expect(progress).toEqual([{ half: 21 }]);
  expect(worker.running).toBeLessThanOrEqual(1);
});

test("a failing job shows its remote error", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using queue = openQueue<number, never>("fails", listener, { backoff: { firstMs: 1 } });
  await using _worker = startWorker<number, never>(
    listener.endpoint,
    "fails",
    () => {
      throw Object.assign(new Error("no luck"), { code: "ERR_LUCK" });
    },
    { name: "unlucky" },
  );
  const { id } = await queue.add(1, { attemptsMax: 2 });
  await expect.poll(() => queue.get(id)?.state, { timeout: 3_000 }).toBe("dead");
  const [error] = queue.get(id)?.errors ?? [];
  expect(error).toBeInstanceOf(RemoteError);
  expect(error).toMatchObject({ message: "no luck", code: "ERR_LUCK" });
  expect(error?.stack).toMatch(/--- remote: fails\.work {2}unlucky/);
});

test("a thousand jobs over three workers are each done", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using queue = openQueue<number, number>("many", listener, { file: file() });
  const handler = async (n: number): Promise<number> => n;
  const options = { credit: 16 };
  await using _a = startWorker(listener.endpoint, "many", handler, options);
  await using _b = startWorker(listener.endpoint, "many", handler, { ...options, name: "b" });
  await using _c = startWorker(listener.endpoint, "many", handler, { ...options, name: "c" });
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => queue.add(i)));
  await expect.poll(() => queue.stats().jobs.done, { timeout: 8_000 }).toBe(1_000);
  expect(queue.stats().workers).toHaveLength(3);
});

test("jobs outlive the process that added them", async () => {
  const path = file();
  const first = await listen("tcp://127.0.0.1:*");
  const { endpoint } = first;
  const before = openQueue<string, string>("durable", first, { file: path });
  await before.add("kept", { key: "once" });
  await before.close();
  await first.close();
  await using worker = startWorker<string, string>(endpoint, "durable", async (text) =>
    text.toUpperCase(),
  );
  await using second = await listen(endpoint);
  await using after = openQueue<string, string>("durable", second, { file: path });
  await expect.poll(() => after.stats().jobs.done, { timeout: 5_000 }).toBe(1);
  expect(after.list(["done"])[0]?.result).toBe("KEPT");
  expect(worker.queue).toBe("durable");
});

test("a worker that is killed loses nothing", { timeout: 20_000 }, async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using queue = openQueue<number, string>("deadly", listener, { graceMs: 200 });
  const script = join(mkdtempSync(join(tmpdir(), "zp-worker-")), "worker.mjs");
  const source = new URL("../index.ts", import.meta.url).href;
  writeFileSync(
    script,
    `import { startWorker } from ${JSON.stringify(source)};
     startWorker(process.argv[2], "deadly", () => { process.send("took"); return new Promise(() => {}); });`,
  );
  const child = fork(script, [listener.endpoint], { execArgv: ["-C", "@zeroplane/source"] });
  const took = new Promise((resolve) => child.once("message", resolve));
  const { id } = await queue.add(7);
  await took;
  child.kill("SIGKILL");
  await using _worker = startWorker(listener.endpoint, "deadly", async () => "rescued", {
    name: "second",
  });
  await expect.poll(() => queue.get(id)?.state, { timeout: 8_000 }).toBe("done");
  expect(queue.get(id)).toMatchObject({ attempt: 2, crashes: 1, result: "rescued" });
});

test("a cancelled job aborts its handler", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using queue = openQueue<number, string>("stop", listener);
  let reason: unknown;
  await using _worker = startWorker<number, string>(
    listener.endpoint,
    "stop",
    async (_n, { signal }) => {
      await sleep(8_000, undefined, { signal }).catch(() => {
        reason = signal.reason;
      });
      return "late";
    },
  );
  const { id } = await queue.add(1);
  await expect.poll(() => queue.get(id)?.state).toBe("leased");
  await queue.cancel(id);
  await expect.poll(() => reason).toMatchObject({ code: "ERR_JOB_CANCELLED" });
  expect(queue.get(id)?.state).toBe("cancelled");
});

test("a producer elsewhere adds and awaits jobs, through a relay, and is refused unasked", async () => {
  await using back = await listen("tcp://127.0.0.1:*");
  await using front = await listen("tcp://127.0.0.1:*");
  await using _relay = relay(front, { to: [back.endpoint] });
  await using _open = openQueue<number, number>("far", back, { producers: true });
  await using _shut = openQueue<number, number>("shut", back);
  await using producer = connectQueue<number, number>(front.endpoint, "far");
  await using _worker = startWorker<number, number>(front.endpoint, "far", (n) => {
    if (n < 0) throw Object.assign(new Error("negative"), { retryable: false });
    return n * 2;
  });
  const [good, bad] = await Promise.all([producer.add(21), producer.add(-1)]);
  expect(await producer.result(good.id)).toBe(42);
  await expect(producer.result(bad.id)).rejects.toMatchObject({ code: "ERR_JOB_DEAD" });
  expect((await producer.list(["dead"])).map(({ id }) => id)).toEqual([bad.id]);
  await expect(producer.cancel(good.id)).rejects.toMatchObject({ code: "ERR_JOB_STATE" });
  await using refused = connectQueue<number, number>(front.endpoint, "shut");
  await expect(refused.add(1)).rejects.toMatchObject({ code: "ERR_REFUSED" });
});

test("what a producer asks again under the same number is done once, and answered again", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using queue = openQueue<number>("once", listener, { producers: true });
  const { id } = await queue.add(1);
  await using session = dial(listener.endpoint);
  const answers: unknown[] = [];
  const receive = ([kind, , number, error]: Message): void => {
    if (kind === Kind.answer) answers.push([number, error]);
  };
  attach(session, { verb: VERB_WORK, name: "once" }, { receive });
  for (let i = 0; i < 2; i++) tell(session, VERB_WORK, [Kind.ask, "once", 7, "cancel", [id]]);
  await expect
    .poll(() => answers, { timeout: 5_000 })
    .toEqual([
      [7, null],
      [7, null],
    ]);
  tell(session, VERB_WORK, [Kind.ask, "once", 8, "cancel", [id]]);
  await expect.poll(() => answers.at(-1)).toMatchObject([8, { code: "ERR_JOB_STATE" }]);
});

test("a full queue refuses, or lets wait; options out of bounds are named", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using queue = openQueue<number, number>("small", listener, { backlogMax: 1 });
  const { id } = await queue.add(1);
  await expect(queue.add(2)).rejects.toMatchObject({ code: "ERR_OVERLOADED" });
  const waits = queue.add(3, { waitMs: 8_000 });
  await queue.cancel(id);
  expect((await waits).payload).toBe(3);
  await expect(queue.add(4, { priority: 101 })).rejects.toMatchObject({
    code: "ERR_BAD_OPTION",
    message: expect.stringContaining("priority is 101"),
  });
});

test("an outcome that could not be made safe is said again until it is", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  let isFull = false;
  const store = new JournalStore(
    [],
    () => true,
    () => isFull,
  );
  await using queue = new Queue<number, number>("again", listener, {}, { store });
  await using worker = startWorker<number, number>(listener.endpoint, "again", (n) => {
    isFull = true;
    return n * 2;
  });
  const { id } = await queue.add(21);
  await expect.poll(() => queue.stats().undone, { timeout: 5_000 }).toBeGreaterThan(0);
  expect(queue.get(id)?.state).toBe("leased");
  isFull = false;
  await expect.poll(() => queue.get(id)?.state, { timeout: 5_000 }).toBe("done");
  expect(queue.get(id)).toMatchObject({ attempt: 1, result: 42 });
  await expect.poll(() => worker.running).toBe(0);
});

test("a schedule brings one job at a time until it is taken away", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using queue = openQueue<string, string>("often", listener, { file: file() });
  await using _worker = startWorker<string, string>(listener.endpoint, "often", (text) => text);
  await queue.schedule("tick", "tock", { everyMs: 100 });
  await expect.poll(() => queue.stats().jobs.done, { timeout: 8_000 }).toBeGreaterThan(2);
  expect(await queue.unschedule("tick")).toBe(true);
  expect(await queue.unschedule("tick")).toBe(false);
});

test("a clock that jumps by an hour, either way, moves no lease, and a schedule comes once", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const now = vi.spyOn(Date, "now");
  const realMs = Date.now();
  const ran: string[] = [];
  const options = { file: file(), graceMs: 200 };
  try {
    await using queue = openQueue<string>("clock", listener, options);
    const gate = Promise.withResolvers<void>();
    const work = async (payload: string): Promise<void> => {
      ran.push(payload);
      if (payload === "long") await gate.promise;
    };
    await using _worker = startWorker<string, void>(listener.endpoint, "clock", work, {
      credit: 4,
    });
    const { id } = await queue.add("long");
    await queue.schedule("hourly", "hourly", { everyMs: 3_600_000 });
    await expect.poll(() => ran).toEqual(["long"]);
    for (const jumpMs of [3_600_000, -3_600_000]) {
      now.mockImplementation(() => realMs + jumpMs);
      const { id: next } = await queue.add("next", { delayMs: 50 });
      await queue.result(next, { timeoutMs: 5_000 });
    }
    await sleep(300);
    gate.resolve();
    await queue.result(id, { timeoutMs: 5_000 });
    expect(queue.get(id)?.attempt).toBe(1);
    expect(ran).toEqual(["long", "next", "next"]);
    await queue.close();
    // The next life begins an hour late: the schedule comes once, not for every hour missed.
    now.mockImplementation(() => realMs + 5 * 3_600_000);
    await using again = openQueue<string>("clock", listener, options);
    await expect.poll(() => ran, { timeout: 5_000 }).toContain("hourly");
    await sleep(300);
    expect(ran.filter((each) => each === "hourly")).toHaveLength(1);
    expect(again.stats().jobs.dead).toBe(0);
  } finally {
    now.mockRestore();
  }
});
