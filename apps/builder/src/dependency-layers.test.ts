import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PlanStep } from "@zeroplane/deploy-api";
import { expect, test } from "vitest";
import { DependencyLayers } from "./dependency-layers.ts";
import { TestFolder } from "./testing.ts";

const STEP: PlanStep = { name: "install", command: ["npm", "ci"], timeoutMs: 1_000 };
const MANIFEST = { name: "x", dependencies: { a: "1" } };

test("the key follows what an install depends on, and nothing else", async () => {
  await using folder = await TestFolder.make();
  const layers = new DependencyLayers(join(folder.path, "layers"), 2);
  const keyOf = async (manifest: object, lock = "{}"): Promise<string | undefined> => {
    const text = JSON.stringify(manifest);
    const dir = await folder.write({ "package.json": text, "package-lock.json": lock });
    return await layers.keyOf(dir, STEP);
  };
  const key = await keyOf(MANIFEST);
  expect(await keyOf({ ...MANIFEST, name: "y", scripts: { start: "z" } })).toBe(key);
  expect(await keyOf({ ...MANIFEST, dependencies: { a: "2" } })).not.toBe(key);
  expect(await keyOf(MANIFEST, '{"lockfileVersion":3}')).not.toBe(key);
  expect(await keyOf({ ...MANIFEST, scripts: { postinstall: "x" } })).toBeUndefined();
  expect(await keyOf({ ...MANIFEST, workspaces: ["a"] })).toBeUndefined();
});

test("a restored layer is a copy, and the layer unused longest goes first", async () => {
  await using folder = await TestFolder.make();
  const kept = join(folder.path, "layers");
  const layers = new DependencyLayers(kept, 2);
  const dir = await folder.write({ "node_modules/a/index.js": "1" });
  await layers.save("one", dir);
  await layers.save("two", dir);
  await utimes(join(kept, "one"), 1, 1);
  await utimes(join(kept, "two"), 2, 2);
  expect(await layers.restore("one", dir)).toBe(true);
  await writeFile(join(dir, "node_modules/a/index.js"), "changed by a build");
  expect(await readFile(join(kept, "one/a/index.js"), "utf8")).toBe("1");
  await layers.save("three", dir);
  expect((await readdir(kept)).toSorted()).toEqual(["one", "three"]);
  expect(await layers.restore("two", dir)).toBe(false);
});
