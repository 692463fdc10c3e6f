import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const RUN_MS = 20_000;

const text = await readFile(join(ROOT, "docs/patterns.md"), "utf8");
/** Each program of the cookbook, by the heading that it stands under. */
const programs = text
  .split(/^### /m)
  .slice(1)
  .map((section): readonly [title: string, program: string] => {
    const [, program = ""] = /```ts\n([\s\S]*?)```/.exec(section) ?? [];
    return [section.slice(0, section.indexOf("\n")), program];
  });

describe("the programs of docs/patterns.md", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "zp-patterns-"));
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("are there", () => {
    expect(programs.length).toBeGreaterThan(15);
  });

  test.for(programs)("%s", { timeout: 2 * RUN_MS }, async ([title, program]) => {
    const file = join(folder, `${title.replace(/\W+/g, "-")}.mts`);
    await writeFile(file, program);
    const words = ["-C", "@zeroplane/source", file];
    const { stdout } = await run(process.execPath, words, { timeout: RUN_MS });
    const expected = [...program.matchAll(/^\/\/ → (.*)$/gm)].map(([, line]) => line);
    expect(expected).not.toEqual([]);
    expect(stdout.trimEnd().split("\n")).toEqual(expected);
  });
});
