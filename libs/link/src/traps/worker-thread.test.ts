import { expect, test } from "vitest";
import { run } from "./fixtures/raw.ts";

test("trap 11, worker threads: raw, terminating one with a pending receive aborts the process", async () => {
  expect(await run("worker", ["raw"])).toEqual({ end: "SIGABRT", late: false, lines: ["opened"] });
});

// The abort is in the native teardown: nothing in JavaScript runs any more when a worker is
// terminated. So a socket is refused there, unless somebody says that it will be closed in time.
test("trap 11, worker threads: SafeSocket refuses to open in one", async () => {
  const lines = ["ERR_LINK_THREAD", "survived"];
  expect(await run("worker", ["refused"])).toEqual({ end: 0, late: false, lines });
});

test("trap 11, worker threads: SafeSocket with worker: true that is closed first does no harm", async () => {
  const lines = ["closed", "survived"];
  expect(await run("worker", ["allowed"])).toEqual({ end: 0, late: false, lines });
});
