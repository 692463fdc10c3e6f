import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { KeyPair } from "./keys.ts";
import { relay } from "./relay.ts";
import { dial } from "./session/dial.ts";
import { type Listener, listen } from "./session/listener.ts";
import type { Session } from "./session/session.ts";

const ANY = "tcp://127.0.0.1:*";

async function echo(verb: number): Promise<Listener> {
  const listener = await listen(ANY);
  listener.accept(verb, (session) => ({
    receive: (body) => session.send(verb, Buffer.from(body)),
  }));
  return listener;
}

function collect(session: Session, verb: number): string[] {
  const got: string[] = [];
  session.attach(verb, {
    receive: (body) => got.push(String(body)),
    reset: () => got.push("reset"),
  });
  return got;
}

describe("a relay", () => {
  test("passes records of any verb on and back, in order", async () => {
    await using back = await echo(17);
    await using front = await listen(ANY);
    await using broker = relay(front, { to: [back.endpoint] });
    await using session = dial(front.endpoint);
    const got = collect(session, 17);
    for (let i = 0; i < 2_000; i++) session.send(17, Buffer.from(String(i)));
    await expect.poll(() => got.length, { timeout: 5_000 }).toBe(2_000);
    expect(got).toEqual(Array.from({ length: 2_000 }, (_, i) => String(i)));
    expect(broker.stats()).toMatchObject({ sessions: 1, recordsTo: 2_000, recordsFrom: 2_000 });
  });

  test("says for whom it speaks, through relays of relays", async () => {
    await using back = await echo(1);
    await using middle = await listen(ANY, { node: "middle" });
    await using front = await listen(ANY, { node: "front" });
    await using inner = relay(middle, { to: [back.endpoint], dial: { node: "inner" } });
    await using outer = relay(front, { to: [middle.endpoint], dial: { node: "outer" } });
    await using session = dial(front.endpoint, { node: "caller" });
    const got = collect(session, 1);
    session.send(1, Buffer.from("x"));
    await expect.poll(() => got).toEqual(["x"]);
    const { node, via } = back.sessions()[0]?.peer ?? {};
    expect([node, via]).toEqual(["inner", [{ node: "outer" }, { node: "caller" }]]);
    expect([inner, outer].map((each) => each.stats().sessions)).toEqual([1, 1]);
  });

  test("names the key that its peer has proved", async () => {
    await using back = await echo(1);
    const [server, caller] = [KeyPair.random(), KeyPair.random()];
    const trust = (key: string): boolean => key === caller.publicKey;
    await using front = await listen(ANY, { keys: { key: server, trust } });
    await using _broker = relay(front, { to: [back.endpoint] });
    await using session = dial(front.endpoint, {
      keys: { key: caller, serverKey: server.publicKey },
    });
    const got = collect(session, 1);
    session.send(1, Buffer.from("x"));
    await expect.poll(() => got, { timeout: 3_000 }).toEqual(["x"]);
    expect(back.sessions()[0]?.peer.via[0]?.key).toBe(caller.publicKey);
  });

  test("spreads sessions over the endpoints, and gives up those that end", async () => {
    await using one = await echo(1);
    await using two = await echo(1);
    await using front = await listen(ANY);
    await using broker = relay(front, { to: [one.endpoint, two.endpoint] });
    const sessions = Array.from({ length: 6 }, () => dial(front.endpoint));
    for (const session of sessions) session.send(1, Buffer.from("x"));
    await expect.poll(() => [one.sessions().length, two.sessions().length]).toEqual([3, 3]);
    await Promise.all(sessions.map((session) => session.close()));
    await expect.poll(() => one.sessions().length + two.sessions().length).toBe(0);
    expect(broker.stats().sessions).toBe(0);
  });

  test("tells its peers when what is behind has begun anew", async () => {
    const first = await echo(1);
    await using front = await listen(ANY);
    await using broker = relay(front, { to: [first.endpoint] });
    await using session = dial(front.endpoint);
    const got = collect(session, 1);
    session.send(1, Buffer.from("one"));
    await expect.poll(() => got).toEqual(["one"]);
    await first.close();
    await using second = await listen(first.endpoint);
    second.accept(1, (each) => ({ receive: (body) => each.send(1, Buffer.from(body)) }));
    await expect.poll(() => got, { timeout: 5_000 }).toEqual(["one", "reset"]);
    await session.ready(8_000);
    session.send(1, Buffer.from("two"));
    await expect.poll(() => got, { timeout: 5_000 }).toEqual(["one", "reset", "two"]);
    expect(broker.stats().ended).toEqual({ reset: 1 });
  });

  test("holds back one peer and not the others when a side does not take", async () => {
    await using back = await listen(ANY, { windowBytes: 100_000 });
    const taken = new Map<string, number>();
    back.accept(1, (each) => ({
      receive: () => {
        const name = each.peer.via[0]?.node ?? "";
        taken.set(name, (taken.get(name) ?? 0) + 1);
        if (name === "greedy") each.pause();
      },
    }));
    await using front = await listen(ANY, { windowBytes: 200_000 });
    await using broker = relay(front, { to: [back.endpoint] });
    await using greedy = dial(front.endpoint, { node: "greedy", queueBytesMax: 8_000_000 });
    for (let i = 0; i < 5_000; i++) greedy.send(1, Buffer.alloc(1_000));
    await expect.poll(() => broker.stats().waits).toBeGreaterThan(0);
    await sleep(300);
    // The rest waits where it comes from: the relay keeps the window and 1 MiB at the most.
    expect(broker.stats().recordsTo).toBeLessThan(2_000);
    await using polite = dial(front.endpoint, { node: "polite" });
    for (let i = 0; i < 50; i++) polite.send(1, Buffer.alloc(1_000));
    await expect.poll(() => taken.get("polite")).toBe(50);
    for (const each of back.sessions()) each.resume();
    const goOn = setInterval(() => back.sessions().forEach((each) => each.resume()), 5);
    await expect.poll(() => taken.get("greedy"), { timeout: 10_000 }).toBe(5_000);
    clearInterval(goOn);
  });

  test("takes from its peers in turn", async () => {
    await using back = await listen(ANY);
    const order: string[] = [];
    back.accept(1, (each) => ({ receive: () => order.push(each.peer.via[0]?.node ?? "") }));
    await using front = await listen(ANY);
    await using _broker = relay(front, { to: [back.endpoint] });
    await using greedy = dial(front.endpoint, { node: "greedy" });
    await using polite = dial(front.endpoint, { node: "polite" });
    await Promise.all([greedy.ready(2_000), polite.ready(2_000)]);
    for (let i = 0; i < 30_000; i++) greedy.send(1, Buffer.alloc(1_000));
    polite.send(1, Buffer.alloc(10));
    await expect.poll(() => order.length, { timeout: 10_000 }).toBe(30_001);
    expect(order.indexOf("polite")).toBeLessThan(15_000);
  });

  test("ends a way that goes in a circle", async () => {
    await using front = await listen(ANY);
    await using circle = relay(front, { to: [front.endpoint] });
    await using session = dial(front.endpoint);
    session.send(1, Buffer.from("x"));
    await expect.poll(() => circle.stats().ended["circle"], { timeout: 5_000 }).toBeGreaterThan(0);
    await session.close();
  });

  test("wants to know where to", async () => {
    await using front = await listen(ANY);
    expect(() => relay(front, { to: [] })).toThrow(/at least one endpoint/);
    expect(() => relay(front, { to: ["nowhere"] })).toThrow(/not an endpoint/);
  });
});
