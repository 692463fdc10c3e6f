import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { Zp } from "./zp.ts";

const BIN = fileURLToPath(new URL("../bin/zp.js", import.meta.url));

test("bash completes commands, flags, names and methods", { timeout: 120_000 }, async () => {
  await using zp = new Zp();
  await zp.serve("./shop.ts");
  const bin = join(zp.folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "zp"), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, {
    mode: 0o755,
  });
  const script = `eval "$(zp completion bash)"
    for line in "zp ins" "zp call Sh" "zp call Shop a" "zp call --js" "zp keys re"; do
      COMP_LINE=$line COMP_POINT=\${#line}; COMPREPLY=(); _zp; echo "$line: \${COMPREPLY[*]}"
    done`;
  const PATH = [bin, process.env["PATH"]].join(delimiter);
  const env = { ...process.env, PATH, ZP_RUN_DIR: zp.folder, ZP_DATA_DIR: "" };
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", script], { env });
  expect(stdout.split("\n")).toEqual([
    "zp ins: inspect",
    "zp call Sh: Shop",
    "zp call Shop a: add",
    "zp call --js: --json",
    "zp keys re: revoke",
    "",
  ]);
});

test("a prompt calls methods, explains them and iterates streams", {
  timeout: 60_000,
}, async () => {
  await using zp = new Zp();
  const { endpoint } = await zp.serve("./shop.ts");
  const lines = [
    "add(1, 2)",
    "const x = await add(20,",
    "  22)",
    "x",
    "add?",
    "for await (const each of count(2)) console.log('item', each)",
    "count(2)",
    "fail()",
  ];
  const { code, out } = await zp.run(["repl", endpoint], `${lines.join("\n")}\n`);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^3\n[\s|.]*42\nadd\(a: number, b: number\)[^]*item 0\nitem 1\n0\n1\n.*no\n$/,
  );
});

test("doctor looks at this machine, keys come and go", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const { out } = await zp.run(["doctor", "--json"]);
  const names = (JSON.parse(out) as { name: string }[]).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["node", "zeromq", "curve", "draft", "disk"]));
  const keys = (...words: string[]) =>
    zp.run(["keys", ...words, "--keys", join(zp.folder, "keys")]);
  await keys("new", "a");
  const key = (await keys("show", "a")).out.trim();
  expect(await keys("trust", "b", key)).toMatchObject({ code: 0 });
  expect(await keys("revoke", "bb")).toMatchObject({ code: 2 });
  expect(await keys("revoke", "b")).toMatchObject({ code: 0 });
  expect((await keys("list", "--json")).out).not.toContain('"b"');
});

test("a load is measured", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const { endpoint } = await zp.serve("./shop.ts");
  const words = ["bench", endpoint, "add", "1", "2", "--duration", "1", "--json"];
  const report = JSON.parse((await zp.run(words)).out) as { calls: number; failed: number };
  expect(report.calls).toBeGreaterThan(0);
  expect(report.failed).toBe(0);
});
