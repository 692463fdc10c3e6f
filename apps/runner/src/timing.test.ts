import { expect, test } from "vitest";
import { Ports } from "./ports.ts";
import { restartPauseMs, TIMING } from "./timing.ts";

test("restarts pause for 0, 1, 2, 4 seconds and so on up to a minute", () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map((crashes) =>
    restartPauseMs(crashes, TIMING),
  );
  expect(pauses).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
});

test("a port given back is not dealt again while it rests, and one in use never", async () => {
  const ports = new Ports({ range: [19_310, 19_312] });
  const taken = [await ports.take(), await ports.take(), await ports.take()];
  expect(new Set(taken)).toEqual(new Set([19_310, 19_311, 19_312]));
  ports.release(19_311);
  await expect(ports.take()).rejects.toMatchObject({ code: "ERR_RUNNER_PORTS", retryable: true });
  const impatient = new Ports({ range: [19_320, 19_320], quarantineMs: 0 });
  impatient.release(await impatient.take());
  expect(await impatient.take()).toBe(19_320);
});
