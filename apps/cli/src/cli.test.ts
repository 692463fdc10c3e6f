import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nearest } from "@zeroplane/introspect/nearest";
import { list } from "tar";
import { expect, test } from "vitest";
import { exitCodeOf, exitCodeOfPhase } from "./exit-code.ts";
import { safe } from "./render/text.ts";
import { appName, checkName, fitName } from "./source/app-name.ts";
import { pack } from "./source/pack.ts";

const BIN = fileURLToPath(new URL("../bin/zp.js", import.meta.url));
const folder = (): string => mkdtempSync(join(tmpdir(), "zp-cli-"));

function zp(...args: string[]): { code: number | null; out: string; err: string } {
  const cwd = folder();
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ZP_DATA_DIR: "", NO_COLOR: "1" },
  });
  return { code: status, out: stdout, err: stderr };
}

test("wrong commands end with 2 and one line that says what to do", { timeout: 30_000 }, () => {
  expect(zp("--help")).toMatchObject({ code: 0, out: expect.stringContaining("deploy") });
  expect(zp("deplyo")).toMatchObject({ code: 2, err: expect.stringMatching(/deplyo.*deploy/) });
  expect(zp("apps")).toMatchObject({ code: 75, err: expect.stringContaining("zp up") });
});

test("a packed folder has its files, and not what is ignored", async () => {
  const dir = folder();
  mkdirSync(join(dir, "node_modules/x"), { recursive: true });
  mkdirSync(join(dir, ".git"));
  for (const file of ["app.js", "secret.log", "node_modules/x/i.js", ".git/HEAD"]) {
    writeFileSync(join(dir, file), file);
  }
  writeFileSync(join(dir, ".gitignore"), "*.log\n");
  const file = join(folder(), "source.tar.gz");
  await pack(dir, file);
  const names: string[] = [];
  await list({ file, onReadEntry: ({ path }) => void names.push(path.replace(/^\.\//, "")) });
  expect(names.filter((name) => !name.endsWith("/")).sort()).toEqual([".gitignore", "app.js"]);
});

test("an app's name comes from its files, and is made to fit", async () => {
  const dir = folder();
  writeFileSync(join(dir, "package.json"), JSON.stringify({ name: "@me/Shop_Front" }));
  expect(await appName(dir)).toBe(fitName("Shop_Front"));
  writeFileSync(join(dir, "zeroplane.json"), JSON.stringify({ name: "shop" }));
  expect(await appName(dir)).toBe("shop");
  expect(await appName(dir, "other")).toBe("other");
  expect(() => checkName("No Good")).toThrow();
});

test("exit codes follow the error's code", () => {
  const coded = (code: string): Error => Object.assign(new Error("x"), { code });
  expect(exitCodeOf(coded("ERR_NAME_IN_USE"))).toBe(2);
  expect(exitCodeOf(coded("ERR_NOT_FOUND"))).toBe(4);
  expect(exitCodeOf(new Error("x"))).toBe(1);
  expect([exitCodeOfPhase("build"), exitCodeOfPhase("start")]).toEqual([10, 11]);
});

test("the nearest command is named, and remote text moves no cursor", () => {
  expect(nearest("stauts", ["status", "apps"])).toEqual(["status"]);
  expect(safe("a\u001b[2Jb")).not.toContain("\u001b");
});
