import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { said, Zp } from "./zp.ts";

test("calls are seen as they end, decoded and filtered", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const { endpoint } = await zp.serve("./shop.ts");
  const words = ["tap", endpoint, "--json", "-n", "2", "--method"];
  const [all, failed] = [
    zp.start(...words, "Shop.add"),
    zp.start("tap", endpoint, "--errors", "--json", "-n", "1"),
  ];
  let [seen, wrong] = ["", ""];
  all.stdout?.on("data", (text) => (seen += String(text)));
  failed.stdout?.on("data", (text) => (wrong += String(text)));
  const ended = Promise.all([once(all, "close"), once(failed, "close")]);
  await Promise.all([said(all, /calls of/), said(failed, /calls of/)]);
  // The watcher's own question is on its way.
  const calling = new AbortController();
  void (async () => {
    while (!calling.signal.aborted) {
      await zp.run(["call", endpoint, "add", "1", "2"]);
      await zp.run(["call", endpoint, "fail"]);
    }
  })();
  await ended;
  calling.abort();
  const [first] = seen.trim().split("\n");
  const call = JSON.parse(first ?? "") as { method: string; bytesIn: number; bytesOut: number };
  expect(call).toMatchObject({ method: "Shop.add", dropped: 0 });
  expect(Math.min(call.bytesIn, call.bytesOut)).toBeGreaterThan(0);
  expect(JSON.parse(wrong)).toMatchObject({
    method: "Shop.fail",
    error: expect.stringContaining("no"),
  });
});

test("a profile is taken, one at a time, and is of the process that was asked", {
  timeout: 60_000,
}, async () => {
  await using zp = new Zp();
  const { endpoint, child } = await zp.serve("./shop.ts");
  const file = join(zp.folder, "shop.cpuprofile");
  const long = zp.run(["profile", endpoint, "--ms", "2500", "-o", file, "--json"]);
  const second = zp.run(["profile", endpoint, "--ms", "2500", "-o", join(zp.folder, "none")]);
  const outcomes = [await long, await second];
  const [taken, refused] = outcomes.toSorted((a, b) => Number(a.code) - Number(b.code));
  expect(taken).toMatchObject({ code: 0 });
  expect(refused?.code).toBe(75);
  expect(refused?.err).toContain("a profile is being taken");
  const again = await zp.run(["profile", endpoint, "--ms", "50", "-o", file, "--json"]);
  expect(JSON.parse(again.out)).toMatchObject({ file, pid: child.pid });
  const profile = JSON.parse(readFileSync(file, "utf8")) as { nodes: unknown[]; endTime: number };
  expect(profile.nodes.length).toBeGreaterThan(1);
  const wrong = await zp.run(["profile", endpoint, "--ms", "30001"]);
  expect(wrong.code).toBe(2);
});

test("the table counts calls and failures", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const { endpoint } = await zp.serve("./shop.ts");
  const top = zp.start("top", endpoint, "--json");
  const seen = new Promise<string>((resolve) => {
    let text = "";
    top.stdout?.on("data", (more) => {
      text += String(more);
      const found = /\{"method":"Shop\.add","calls":[1-9][^}]*\}/.exec(text);
      if (found !== null) resolve(found[0]);
    });
  });
  await once(top.stdout!, "data");
  await zp.run(["call", endpoint, "add", "1", "2", "--repeat", "50"]);
  expect(JSON.parse(await seen)).toMatchObject({ failed: 0 });
});

test("the table of nothing says that nothing is up", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  expect(await zp.run(["top"])).toMatchObject({ code: 2, err: expect.stringContaining("nothing") });
});
