import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { said, Zp } from "./zp.ts";

const TSC = fileURLToPath(new URL("../../../node_modules/typescript/bin/tsc", import.meta.url));

test("a class in a file is served, called, inspected and typed", { timeout: 120_000 }, async () => {
  await using zp = new Zp();
  const { endpoint } = await zp.serve("./shop.ts");
  expect(await zp.run(["call", endpoint, "add", "-1", "3"])).toEqual({
    code: 0,
    out: "2\n",
    err: "",
  });
  expect(await zp.run(["call", "Shop", "count", "3"])).toMatchObject({ code: 0, out: "0\n1\n2\n" });
  expect(await zp.run(["call", "Shop", "total", "-"], "1\n2\n3\n")).toMatchObject({ out: "6\n" });
  writeFileSync(join(zp.folder, "n.txt"), "40\n");
  const words = ["call", "Shop", "add", `@${join(zp.folder, "n.txt")}`, "-"];
  expect(await zp.run(words, "2")).toMatchObject({ code: 0, out: "42\n" });
  expect((await zp.run(["inspect", "Shop"])).out).toMatch(/add\(a, b\) +Adds two numbers/);
  const openapi = JSON.parse((await zp.run(["inspect", "Shop", "--openapi"])).out) as object;
  expect(openapi).toMatchObject({ openapi: "3.1.0", paths: { "/add": {} } });
  const { out } = await zp.run(["types", endpoint]);
  writeFileSync(join(zp.folder, "shop.d.ts"), out);
  writeFileSync(
    join(zp.folder, "use.ts"),
    'import type { Shop } from "./shop.d.ts";\nexport const f = (shop: Shop): number => shop.add(1, 2);\n',
  );
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024"];
  // Where this test is run from there may be a tsconfig.json, which files on a command line do not go with.
  execFileSync(process.execPath, [TSC, ...flags, "use.ts"], { cwd: zp.folder });
  expect((await zp.run(["ls"])).out).toMatch(new RegExp(`Shop .*${endpoint} +up`));
});

test("docs writes a site about what runs", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  await zp.serve("./shop.ts");
  const { endpoint } = await zp.serve("node:path");
  const site = join(zp.folder, "site");
  const { code, out } = await zp.run(["docs", "Shop", endpoint, "--out", site, "--json"]);
  const { services, files } = JSON.parse(out) as { services: string[]; files: string[] };
  expect([code, services]).toEqual([0, ["Shop", "path"]]);
  const [shop = "", path = ""] = files.map((file) => readFileSync(file, "utf8"));
  expect(shop).toContain("Adds two numbers");
  expect(path).toContain("Join all arguments together");
  expect(
    await zp.run(["docs", "tcp://127.0.0.1:9", "--out", site, "--timeout", "1"]),
  ).toMatchObject({
    code: 75,
  });
});

test("modules of Node and packages are served as they are", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  await zp.serve("node:path");
  await zp.serve("commander", "--name", "words");
  expect(await zp.run(["call", "path", "join", "a", "b"])).toMatchObject({ out: "a/b\n" });
  expect((await zp.run(["inspect", "words"])).out).toContain("createCommand");
});

test("a watched file is loaded again behind the same endpoint", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const file = join(zp.folder, "shop.ts");
  cpSync(new URL("./fixtures/shop.ts", import.meta.url), file);
  const { endpoint, child } = await zp.serve(file, "--watch");
  const again = said(child, /"endpoints"/);
  writeFileSync(file, readFileSync(file, "utf8").replace("a + b", "a * b"));
  await again;
  expect(await zp.run(["call", endpoint, "add", "3", "4"])).toMatchObject({ out: "12\n" });
  const broken = said(child, /cannot be parsed/);
  writeFileSync(file, "export default {");
  await broken;
  expect(await zp.run(["call", endpoint, "add", "3", "4"])).toMatchObject({ out: "12\n" });
});

test("a call that runs while a file is loaded again ends as it began", {
  timeout: 60_000,
}, async () => {
  await using zp = new Zp();
  const file = join(zp.folder, "shop.ts");
  cpSync(new URL("./fixtures/shop.ts", import.meta.url), file);
  const { endpoint, child } = await zp.serve(file, "--watch");
  const counting = zp.start("call", endpoint, "count", "600");
  let counted = "";
  counting.stdout?.on("data", (text) => (counted += String(text)));
  const ended = new Promise((resolve) => counting.once("close", resolve));
  await new Promise((resolve) => counting.stdout?.once("data", resolve));
  const again = said(child, /"endpoints"/);
  writeFileSync(file, readFileSync(file, "utf8").replace("a + b", "a * b"));
  await again;
  expect(counting.exitCode).toBe(null);
  expect(await zp.run(["call", endpoint, "add", "3", "4"])).toMatchObject({ out: "12\n" });
  expect(await ended).toBe(0);
  expect(counted.trim().split("\n")).toHaveLength(600);
});

test("a call that is made often is made as often", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const { endpoint } = await zp.serve("./shop.ts");
  const words = ["call", endpoint, "add", "1", "1", "--repeat", "20", "--concurrency", "4"];
  expect((await zp.run(words)).out).toBe("2\n".repeat(20));
});

test("Ctrl-C ends a call here and there", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const { endpoint } = await zp.serve("./shop.ts");
  const child = zp.start("call", endpoint, "count", "1000000");
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  expect(await ended).toBe(12);
  expect(await zp.run(["call", endpoint, "counting"])).toMatchObject({ out: "0\n" });
});
