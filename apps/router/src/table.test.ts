import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { RouteTable } from "./table.ts";
import { routeTo } from "./testing.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "zeroplane-table-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("a host finds its own route, else the longest wildcard above it", async () => {
  const table = await RouteTable.open(join(await folder(), "routes.json"));
  const hosts = ["shop.example.test", "*.example.test", "*.a.example.test", "[::1]"];
  await table.replace(
    1,
    hosts.map((host) => routeTo(host, [1])),
  );
  const found = (host: string): string | undefined => table.lookup(host)?.host;
  expect(found("shop.example.test")).toBe("shop.example.test");
  expect(found("SHOP.Example.Test.:8080")).toBe("shop.example.test");
  expect(found("other.example.test")).toBe("*.example.test");
  expect(found("x.y.a.example.test")).toBe("*.a.example.test");
  expect(found("[::1]:80")).toBe("[::1]");
  expect(found("example.test")).toBeUndefined();
  expect(found("*.example.test.evil")).toBeUndefined();
  expect(found("")).toBeUndefined();
});

test("the last table is on disk whole, and used after a start", async () => {
  const dir = await folder();
  const file = join(dir, "sub/routes.json");
  const table = await RouteTable.open(file);
  expect(table.version).toBe(0);
  const saves = [1, 2, 3].map((version) =>
    table.replace(version, [routeTo(`v${version}.test`, [1])]),
  );
  expect(table.lookup("v3.test")?.app).toBe("shop");
  expect(table.lookup("v1.test")).toBeUndefined();
  await Promise.all(saves);
  const again = await RouteTable.open(file);
  expect(again.version).toBe(3);
  expect(again.routes).toEqual(table.routes);
  expect(await readdir(join(dir, "sub"))).toEqual(["routes.json"]);
});

test("a file that is no table is set aside and told, and an empty table is used", async () => {
  const file = join(await folder(), "routes.json");
  for (const text of ["{", "[]", "null", '{"version":1,"routes":[{"host":1}]}']) {
    await writeFile(file, text);
    const table = await RouteTable.open(file);
    expect(table.problem).toContain(`renamed to ${file}.bad`);
    expect(table.routes).toEqual([]);
    expect(await readFile(`${file}.bad`, "utf8")).toBe(text);
    await table.replace(1, [routeTo("a.test", [1])]);
  }
  expect((await RouteTable.open(file)).problem).toBeUndefined();
});
