import { describe, expect, test } from "vitest";
import { CALM, Clock, Disk, Random, World } from "./index.ts";

describe("the virtual clock", () => {
  test("runs what is due by time, then by order, and time stands at each", () => {
    const clock = new Clock();
    const seen: string[] = [];
    for (const [delayMs, name] of [
      [5, "c"],
      [1, "a"],
      [5, "d"],
      [3, "b"],
    ] as const) {
      clock.after(delayMs, () => seen.push(`${name}@${clock.nowMs}`));
    }
    while (clock.step(10));
    expect(seen).toEqual(["a@1", "b@3", "c@5", "d@5"]);
    expect(clock.nowMs).toBe(10);
  });
});

describe("a simulated disk", () => {
  test("keeps what was synced and loses, keeps or tears what was not", () => {
    const outcomes = new Set<number | undefined>();
    for (let seed = 0; seed < 60; seed++) {
      const disk = new Disk(new Random(seed));
      disk.append("log", Buffer.alloc(100, 1));
      disk.sync("log");
      disk.append("log", Buffer.alloc(2_000, 2));
      expect(disk.read("log")?.length).toBe(2_100);
      disk.crash();
      const left = disk.read("log");
      expect(left?.subarray(0, 100).every((byte) => byte === 1)).toBe(true);
      outcomes.add(left?.length);
    }
    expect([...outcomes].sort((a = 0, b = 0) => a - b)).toEqual([
      100, 512, 1_024, 1_536, 2_048, 2_100,
    ]);
  });
});

describe("a world", () => {
  const start = (world: World): { readonly got: string[]; readonly lives: () => number } => {
    const got: string[] = [];
    let lives = 0;
    world.add("a", (host) => {
      lives++;
      let count = 0;
      host.every(10, () => host.send("b", [Buffer.from(String(++count))]));
      return { receive: () => undefined };
    });
    world.add("b", () => ({ receive: (from, [body]) => void got.push(`${from}${body}`) }));
    return { got, lives: () => lives };
  };

  test("delivers in order when it is calm", () => {
    const world = new World(1);
    const { got } = start(world);
    world.run(55);
    expect(got).toEqual(["a1", "a2", "a3", "a4", "a5"]);
  });

  test("blocks one direction, and a crashed process begins again from nothing", () => {
    const world = new World(1);
    const { got, lives } = start(world);
    world.network.block("a", "b");
    world.run(25);
    world.network.unblock("a", "b");
    world.run(10);
    world.crash("a");
    world.run(100);
    world.restart("a");
    world.run(15);
    expect(got).toEqual(["a3", "a1"]);
    expect(lives()).toBe(2);
  });

  test("lets a process that stood still catch up", () => {
    const world = new World(1);
    const { got } = start(world);
    world.pause("b", 40);
    world.run(39);
    expect(got).toEqual([]);
    world.run(3);
    expect(got).toEqual(["a1", "a2", "a3", "a4"]);
  });

  test("loses, doubles and reorders", () => {
    const world = new World(3);
    const { got } = start(world);
    world.network.conditions = { loss: 0.2, duplication: 0.2, delayMs: [0, 50], ordered: false };
    world.run(2_000);
    world.network.conditions = CALM;
    const { lost, duplicated } = world.network.stats;
    expect(lost).toBeGreaterThan(10);
    expect(duplicated).toBeGreaterThan(10);
    const numbers = got.map((text) => Number(text.slice(1)));
    expect(numbers).not.toEqual([...numbers].sort((a, b) => a - b));
  });

  test("notices a frame that is written to after it was sent", () => {
    const world = new World(1);
    const scratch = Buffer.alloc(4);
    world.add("a", (host) => {
      host.every(10, () => host.send("b", [scratch.fill(host.nowMs)]));
      return { receive: () => undefined };
    });
    world.add("b", () => ({ receive: () => undefined }));
    world.network.conditions = { ...CALM, delayMs: [15, 15] };
    expect(() => world.run(100)).toThrow("a sent frame was written to");
  });
});
