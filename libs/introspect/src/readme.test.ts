import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("the program of the README runs", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const path = await mkdtemp(join(tmpdir(), "introspect-readme-"));
  try {
    await mkdir(join(path, "node_modules/@zeroplane"), { recursive: true });
    const here = fileURLToPath(new URL("..", import.meta.url));
    await symlink(here, join(path, "node_modules/@zeroplane/introspect"));
    await writeFile(join(path, "program.mts"), program);
    const words = ["-C", "@zeroplane/source", join(path, "program.mts")];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    expect(stdout).toMatch(/create\(app, ref = "main"\) +Starts a deploy\./);
    expect(stdout).toContain("create(app: string, ref?: string): Promise<{ id: string }>;");
  } finally {
    await rm(path, { recursive: true });
  }
});
