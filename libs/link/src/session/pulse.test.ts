import { expect, test } from "vitest";
import { Pulse } from "./pulse.ts";
import { SESSION_DEFAULTS } from "./settings.ts";

test("hellos to a peer that is away become rare, because libzmq keeps them all", () => {
  const pulse = new Pulse({ ...SESSION_DEFAULTS, helloMs: 250 }, "dialer");
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
  const pulse = new Pulse({ ...SESSION_DEFAULTS, helloMs: 5_000 }, "dialer");
  expect(pulse.hurries(1_000)).toBe(true);
  pulse.greeted(1_000);
  expect(pulse.hurries(1_001)).toBe(false);
  expect(pulse.wantsHello(1_200)).toBe(false);
  expect(pulse.wantsHello(1_251)).toBe(true);
});

test("silence is nothing, then a stall, then an end", () => {
  const pulse = new Pulse({ ...SESSION_DEFAULTS, beatMs: 100 }, "dialer");
  pulse.heard(0);
  expect([300, 301, 1_000, 1_001].map((nowMs) => pulse.silence(nowMs))).toEqual([
    "none",
    "stalled",
    "stalled",
    "down",
  ]);
});

test("the dialer asks first, and less often when the listener wants it so", () => {
  const settings = { ...SESSION_DEFAULTS, beatMs: 100 };
  const [dialer, acceptor] = [new Pulse(settings, "dialer"), new Pulse(settings, "acceptor")];
  for (const pulse of [dialer, acceptor]) pulse.heard(1_000);
  expect([dialer.asks(1_100), acceptor.asks(1_149), acceptor.asks(1_150)]).toEqual([
    true,
    false,
    true,
  ]);
  dialer.slower(1_000);
  dialer.heard(2_000);
  expect([dialer.asks(2_999), dialer.asks(3_000)]).toEqual([false, true]);
});
