import { expect, test } from "vitest";
import { run } from "./fixtures/raw.ts";

test("trap 8, monitor freeze: raw, a monitor that was closed stops every socket of the process", async () => {
  expect((await run("monitor", ["raw"])).lines).toEqual(["frozen"]);
});

test("trap 8, monitor freeze: SafeSocket has no monitor, and 300 short connections stop nothing", async () => {
  expect((await run("monitor", ["safe"])).lines).toEqual(["works"]);
});

test("trap 9, proxies: raw, four of them take every pool thread", async () => {
  expect((await run("proxies", ["raw"])).lines).toEqual(["read pending"]);
});

test("trap 9, proxies: SafeSocket relays without a thread, and binds without one", async () => {
  expect((await run("proxies", ["safe"])).lines).toEqual(["read ok"]);
});
