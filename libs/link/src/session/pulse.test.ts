import { expect, test } from "vitest";
import { Pulse } from "./pulse.ts";
import { SESSION_DEFAULTS } from "./settings.ts";

test("hellos to a peer that is away become rare, because libzmq keeps them all", () => {
  const pulse = new Pulse({ ...SESSION_DEFAULTS, helloMs: 250 });
  let hellos = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs += 50) {
    if (!pulse.wantsHello(nowMs)) continue;
    pulse.greeted(nowMs);
    hellos++;
  }
  expect(hellos).toBeGreaterThan(10);
  expect(hellos).toBeLessThan(20);
});

test("many resets of one moment bring one hello, and the next one soon", () => {
  const pulse = new Pulse({ ...SESSION_DEFAULTS, helloMs: 5_000 });
  expect(pulse.hurries(1_000)).toBe(true);
  pulse.greeted(1_000);
  expect(pulse.hurries(1_001)).toBe(false);
  expect(pulse.wantsHello(1_010)).toBe(false);
  expect(pulse.wantsHello(1_021)).toBe(true);
});

test("silence is nothing, then a stall, then an end", () => {
  const pulse = new Pulse({ ...SESSION_DEFAULTS, beatMs: 100 });
  pulse.heard(0);
  expect([300, 301, 1_000, 1_001].map((nowMs) => pulse.silence(nowMs))).toEqual([
    "none",
    "stalled",
    "stalled",
    "down",
  ]);
});
