import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const IMPORT = 'import { connect, serve } from "@zeroplane/rpc";\n';

test("the programs of the README run", { timeout: 60_000 }, async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  expect(programs.length).toBe(2);
  const folder = await mkdtemp(join(tmpdir(), "rpc-readme-"));
  try {
    await mkdir(join(folder, "node_modules/@zeroplane"), { recursive: true });
    const here = fileURLToPath(new URL("..", import.meta.url));
    await symlink(here, join(folder, "node_modules/@zeroplane/rpc"));
    const outputs: string[] = [];
    for (const [index, program] of programs.entries()) {
      const file = join(folder, `program${index}.mts`);
      await writeFile(file, program.includes("import ") ? program : IMPORT + program);
      const { stdout } = await promisify(execFile)(process.execPath, [
        "-C",
        "@zeroplane/source",
        file,
      ]);
      outputs.push(stdout.trim());
    }
    expect(outputs[0]).toContain("{ symbol: 'ZP', price: 2 }");
    expect(outputs[1]).toBe("6");
  } finally {
    await rm(folder, { recursive: true });
  }
});
