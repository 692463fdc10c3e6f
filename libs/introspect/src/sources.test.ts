import { execFile } from "node:child_process";
import fs from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { callbackify, deprecate, promisify } from "node:util";
import { expect, test } from "vitest";
import { describe } from "./describe.ts";
import { type MethodDescription, signatureText } from "./description.ts";
import { Orders } from "./fixtures/kinds.ts";
import { nativeImport } from "./fixtures/native-import.ts";
import { toHelp } from "./help.ts";

const run = promisify(execFile);

async function directory(files: Record<string, string> = {}) {
  const path = await mkdtemp(join(tmpdir(), "introspect-sources-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const load = (path: string) => nativeImport(pathToFileURL(path).href);

test("modules of Node have names, types and words from @types/node", async () => {
  const { name, methods, types } = await describe(await nativeImport("node:path"));
  expect(name).toBe("path");
  expect(signatureText(methods["join"]!)).toBe("join(...paths: string[]): string");
  expect(methods["join"]).toMatchObject({
    doc: { summary: expect.stringMatching(/^Join all arguments together/) },
    parameters: [{ doc: "paths to join." }],
    source: { kind: "declaration", file: "@types/node/path.d.ts" },
  });
  expect(signatureText(methods["posix.parse"]!)).toBe("posix.parse(path: string): ParsedPath");
  expect(types["ParsedPath"]).toContain("base: string;");
  // Bound native code tells nothing itself.
  expect(signatureText(methods["format"]!)).toBe(
    "format(pathObject: FormatInputPathObject): string",
  );
  expect(Object.values(methods).filter(({ doc }) => !doc)).toEqual([]);
  for (const [module, method, signature] of [
    ["node:util", "types.isDate", "types.isDate(object: unknown): boolean"],
    ["node:os", "uptime", "uptime(): number"],
    [
      "node:fs/promises",
      "rmdir",
      'rmdir(path: import("node:fs").PathLike, options?: import("node:fs").RmDirOptions): Promise<void>',
    ],
  ] as const) {
    const described = await describe(await nativeImport(module));
    expect(described.name).toBe(module.slice(5));
    expect(signatureText(described.methods[method]!)).toBe(signature);
  }
});

test("without @types/node, modules of Node have names and arity", async () => {
  await using bare = await directory();
  await cp(fileURLToPath(new URL(".", import.meta.url)), join(bare.path, "src"), {
    recursive: true,
  });
  await writeFile(join(bare.path, "package.json"), '{ "type": "module" }');
  await mkdir(join(bare.path, "node_modules"));
  const parser = dirname(createRequire(import.meta.url).resolve("oxc-parser/package.json"));
  await symlink(parser, join(bare.path, "node_modules/oxc-parser"));
  const program = join(bare.path, "src/fixtures/without-node-types.ts");
  await writeFile(
    program,
    'import * as path from "node:path";\nimport { describe } from "../describe.ts";\nprocess.stdout.write(JSON.stringify((await describe(path)).methods));\n',
  );
  const { stdout } = await run(process.execPath, [program], { cwd: bare.path });
  const methods = JSON.parse(stdout) as Record<string, MethodDescription>;
  expect(signatureText(methods["relative"]!)).toBe("relative(from: unknown, to: unknown): unknown");
  expect(methods["relative"]?.source).toEqual({ kind: "function" });
  expect(methods["format"]).toMatchObject({ parameters: [{}], source: { kind: "none" } });
});

test("a package that has only declarations is described through export =, typeof and interfaces", async () => {
  await using project = await directory({
    "node_modules/tilly/package.json":
      '{ "name": "tilly", "main": "index.js", "types": "index.d.ts" }',
    "node_modules/tilly/index.js":
      "var make = function () { return function () { return arguments; }; };\n" +
      "module.exports = { pay: make(), tools: { round: make(), twice: make() }, ask: make() };\n",
    "node_modules/tilly/index.d.ts": `import { Round } from "./round";
declare namespace tilly {
  interface Till {
    /** Pays. */
    pay(sum: number): Promise<Receipt>;
    tools: Tools;
    ask: Ask;
  }
  interface Tools { round: Round; twice: typeof double }
  interface Ask {
    /** Asks once. */
    (question: string): string;
    (question: string, times: number): string[];
  }
  interface Receipt { sum: number }
  /** Doubles. */
  function double(sum: number): number;
}
declare const tilly: tilly.Till;
export = tilly;
`,
    "node_modules/tilly/round.d.ts":
      "/** Rounds. */\nexport type Round = (sum: number, to?: number) => number;\n",
  });
  const { methods, types, name } = await describe(
    await load(join(project.path, "node_modules/tilly/index.js")),
  );
  expect(name).toBe("tilly");
  const told = Object.values(methods).map((each) => `${signatureText(each)}  ${each.doc?.summary}`);
  expect(told.toSorted()).toEqual([
    "ask(question: string): string  Asks once.",
    "pay(sum: number): Promise<Receipt>  Pays.",
    "tools.round(sum: number, to?: number): number  Rounds.",
    "tools.twice(sum: number): number  Doubles.",
  ]);
  expect(methods["ask"]?.overloads).toEqual(["(question: string, times: number): string[]"]);
  expect(types["Receipt"]).toBe("interface Receipt { sum: number }");
});

test("two hundred undocumented lines of JavaScript have names, defaults and places", async () => {
  const functions = Array.from(
    { length: 50 },
    (_, at) =>
      `export function step${at}(from, to = ${at}, ...rest) {\n  return [from, to, rest];\n}\n`,
  );
  await using files = await directory({ "steps.mjs": functions.join("\n") });
  const { methods } = await describe(await load(join(files.path, "steps.mjs")), {
    root: files.path,
  });
  expect(Object.keys(methods)).toHaveLength(50);
  expect(methods["step49"]).toMatchObject({
    doc: null,
    source: { kind: "source", file: "steps.mjs", line: 197 },
  });
  expect(signatureText(methods["step7"]!)).toBe(
    "step7(from: unknown, to: number = 7, ...rest: unknown[]): unknown",
  );
});

test("a source that can no longer be parsed leaves what the function tells", async () => {
  await using files = await directory({
    "shop.mjs":
      "/** A shop. */\nexport class Shop {\n  /** Sells. */\n  sell(sku, count = 1) {}\n}\n",
  });
  const path = join(files.path, "shop.mjs");
  const { Shop } = (await load(path)) as { Shop: new () => object };
  await writeFile(path, "export class Shop { sell( <<<<<<< broken\n");
  const { methods } = await describe(new Shop());
  expect(signatureText(methods["sell"]!)).toBe("sell(sku: unknown, count: number = 1): unknown");
  expect(methods["sell"]).toMatchObject({ doc: { summary: "Sells." }, source: { kind: "script" } });
});

test("a wrapper that passes its arguments on is described by what it wraps", async () => {
  /** Adds. */
  async function add(a: number, b = 2): Promise<number> {
    return a + b;
  }
  const timed = <A extends unknown[], R>(fn: (...args: A) => R) => {
    return (...args: A): R => fn(...args);
  };
  const old = (fn: typeof add) =>
    function old(this: unknown) {
      // oxlint-disable-next-line prefer-rest-params -- as it was written before there were rest parameters
      return fn.apply(this, arguments as unknown as [number]);
    };
  const target = {
    timed: timed(add),
    twice: timed(timed(add)),
    old: old(add),
    deprecated: deprecate(add, "no longer"),
    called: callbackify(add),
    stat: promisify(fs.stat),
    native: timed(Math.max),
    /** Its own words. */
    own: (...args: unknown[]) => add(...(args as [number])),
    unknown: (...args: unknown[]) => [args],
  };
  const { methods } = await describe(target);
  for (const name of ["timed", "twice", "old", "deprecated"]) {
    expect(signatureText(methods[name]!)).toBe(
      `${name}(a: number, b: number = 2): Promise<number>`,
    );
    expect(methods[name]?.doc?.summary).toBe("Adds.");
  }
  expect(signatureText(methods["called"]!)).toBe(
    "called(a: number, b: number = 2, callback: (error: Error | null, value: number) => void): void",
  );
  expect(signatureText(methods["stat"]!)).toBe("stat(path: PathLike): Promise<Stats>");
  expect(methods["native"]).toMatchObject({ parameters: [{}, {}], source: { kind: "none" } });
  expect(methods["own"]?.doc?.summary).toBe("Its own words.");
  expect(signatureText(methods["unknown"]!)).toBe("unknown(...args: unknown[]): unknown");
});

test("a getter is not run: its declared type is told, and that it is not served", async () => {
  const description = await describe(new Orders());
  expect(description.getters).toEqual({
    lines: {
      type: "Lines",
      doc: expect.objectContaining({ summary: "The lines of all orders." }),
      source: { kind: "source", file: expect.stringMatching(/kinds\.ts$/), line: 37 },
    },
    untold: expect.objectContaining({ type: "unknown", doc: null }),
  });
  expect(Object.keys(description.methods)).not.toContain("lines");
  expect(toHelp(description)).toMatch(/Getters, which are not served\n {2}lines: Lines/);
  expect((await describe({ plain: () => 1 })).getters).toBeUndefined();
});

test("every tag of a comment is told", async () => {
  const { methods } = await describe(new Orders());
  expect(methods["change"]?.doc).toEqual({
    summary: "Changes an order, see finding.",
    description: "",
    params: { id: "which", change: "what is new" },
    returns: "",
    throws: ["`RangeError` when there is none", "when it is closed"],
    examples: ['await orders.change("1", { state: "paid" });', "```ts\n@decorated text stays\n```"],
    tags: { see: ["[the manual](https://example.org)"] },
  });
});
