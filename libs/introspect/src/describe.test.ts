import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { runInThisContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { describe } from "./describe.ts";
import { type Description, signatureText } from "./description.ts";
import { Deploys } from "./fixtures/deploys.ts";
import { nativeImport } from "./fixtures/native-import.ts";

/** Some package in node_modules that this one does not depend on. */
const installed = (name: string): unknown => createRequire(import.meta.url)(name);
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const run = promisify(execFile);

/** A directory that is gone at the end of the test. */
async function directory(files: Record<string, string>) {
  const path = await mkdtemp(join(tmpdir(), "introspect-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

type Loaded = Record<string, new () => object>;
const load = async (path: string) => (await nativeImport(pathToFileURL(path).href)) as Loaded;
const instance = async (path: string, name: string) => {
  const { [name]: made } = await load(path);
  if (!made) throw new Error(`${path} exports no ${name}`);
  return new made();
};

/** What must be found wherever the class runs. */
function expectDeploys(description: Description) {
  const { methods, types } = description;
  const signatures = Object.values(methods).map(signatureText);
  expect(signatures).toEqual([
    "jobs.stop(id: string): Promise<void>",
    "list(limit: number, ...states: DeployState[]): Promise<Page<Deploy>>",
    "get(id: string): Promise<Deploy | undefined>",
    'create(app: string, ref: string = "main", options: { dryRun?: boolean; place: Region; } = { place: "anywhere" }): Promise<Deploy>',
    "logs(id: string, options: { follow?: boolean } = {}): AsyncIterable<string>",
    "find(at: number): Deploy",
    'old<K extends keyof Deploy>(key: K, stats?: import("node:fs").Stats, lost?: unknown /* ParserOptions */): Promise<Deploy[K]>',
    "undocumented(value: unknown, when: Date = new Date()): Promise<unknown>",
    "count(): Promise<number>",
  ]);
  expect(description.name).toBe("Deploys");
  expect(description.doc?.summary).toBe("Deploys of every app.");
  expect(description.groups["jobs"]?.summary).toBe("Background work.");
  expect(methods["create"]?.doc?.summary).toContain("Starts a deploy of `app`");
  expect(methods["create"]?.parameters.map(({ doc }) => doc)).toEqual([
    "name of the app",
    "branch, tag or commit",
    "what else to say",
  ]);
  expect(methods["logs"]).toMatchObject({ kind: "stream", returns: { item: "string" } });
  expect(methods["create"]).toMatchObject({
    kind: "call",
    returns: { item: "Deploy", doc: "the deploy, queued" },
  });
  expect(methods["find"]?.overloads).toEqual(["(id: string, exact?: boolean): Deploy"]);
  expect(methods["get"]?.doc).toMatchObject({
    summary: "Reads one record.",
    throws: ["when there is no such record"],
  });
  expect(methods["old"]?.doc?.deprecated).toBe("use the other one");
  expect(methods["undocumented"]?.doc).toBeNull();
  expect(methods["create"]?.source).toEqual({
    kind: "source",
    file: expect.stringMatching(/fixtures\/deploys\.ts$/),
    line: 53,
  });
  expect(types).toEqual({
    DeployState: 'type DeployState = "queued" | "running" | "failed";',
    Page: "type Page<T> = { items: T[]; next: string | null };",
    Deploy: expect.stringContaining("  /** Where it runs. */\n  region: Region;"),
    Region: 'type Region = { name: string; zone: number } | "anywhere";',
  });
}

test("a TypeScript class is described under a test runner that transforms it", async () => {
  expectDeploys(await describe(new Deploys()));
});

test("a TypeScript class is described under Node's type stripping, with another debugger attached", async () => {
  const { stdout } = await run(process.execPath, ["-C", "@zeroplane/source", fixture("child.ts")]);
  const { description, isStillEnabled } = JSON.parse(stdout);
  expectDeploys(description);
  expect(isStillEnabled).toBe(true);
});

test("a process with an inspector port, and one that measures coverage, are described too", async () => {
  await using coverage = await directory({});
  const options = { env: { ...process.env, NODE_V8_COVERAGE: coverage.path } };
  const { stdout } = await run(
    process.execPath,
    ["--inspect=127.0.0.1:0", fixture("child.ts")],
    options,
  );
  expectDeploys(JSON.parse(stdout).description);
});

test("a worker thread describes what it runs", async () => {
  const worker = new Worker(new URL("fixtures/worker.ts", import.meta.url));
  const [description] = await new Promise<[Description]>((resolve, reject) => {
    worker.once("message", (message) => resolve([message]));
    worker.once("error", reject);
  });
  await worker.terminate();
  expectDeploys(description);
});

test("a module of JavaScript is described by its JSDoc", async () => {
  const description = await describe(await load(fixture("stock.js")));
  expect(Object.values(description.methods).map(signatureText)).toEqual([
    "items(options: { limit?: number; after?: unknown } = {}): Generator<unknown>",
    "rates.price(sku: string): Promise<unknown>",
    "status(): Status",
    "take(sku: string, count: number = 1, tags: Array<string> | null, ...notes: string[]): Promise<Item>",
  ]);
  const { name, doc, methods, types } = description;
  expect({ name, summary: doc?.summary }).toEqual({
    name: "stock",
    summary: "The stock of a shop.",
  });
  expect(methods["items"]?.kind).toBe("stream");
  expect(methods["take"]?.parameters[1]?.doc).toBe("how many");
  expect(methods["rates.price"]?.doc?.summary).toBe("Price of one.");
  expect(types).toEqual({
    Item: "interface Item {\n  sku: string;\n  /** how many are left */\n  count?: number;\n}",
    Status: 'type Status = "paid" | "open";',
  });
});

test("compiled JavaScript leads to its source by its map, and to the declarations beside it", async () => {
  const js = "export class Till {\n    async pay(sum, cash = true) { return sum; }\n}\n";
  const ts =
    "export class Till {\n  // moved\n  // down\n  /** Pays. */\n  async pay(sum: number, cash = true): Promise<number> {\n    return sum;\n  }\n}\n";
  const map = {
    version: 3,
    file: "till.js",
    sources: ["till-source.ts"],
    names: [],
    mappings: "AAAA;IAIE",
  };
  await using mapped = await directory({
    "till.mjs": `${js}//# sourceMappingURL=till.mjs.map\n`,
    "till.mjs.map": JSON.stringify(map),
    "till-source.ts": ts,
  });
  const source = await describe(await instance(join(mapped.path, "till.mjs"), "Till"), {
    root: mapped.path,
  });
  expect(source.methods["pay"]).toMatchObject({
    doc: { summary: "Pays." },
    returns: { type: "Promise<number>" },
    source: { kind: "source", file: "till-source.ts", line: 5 },
  });

  await using declared = await directory({
    "till.mjs": js,
    "till.d.mts":
      "export declare class Till {\n  /** Pays. */\n  pay(sum: number, cash?: boolean): Promise<number>;\n}\n",
  });
  const beside = await describe(await instance(join(declared.path, "till.mjs"), "Till"));
  expect(signatureText(beside.methods["pay"]!)).toBe(
    "pay(sum: number, cash: boolean = true): Promise<number>",
  );
  expect(beside.methods["pay"]?.source.kind).toBe("declaration");
});

test("a file that is gone is still described, from the text the engine holds", async () => {
  let till: object;
  {
    await using gone = await directory({
      "till.mjs":
        "/** A till. */\nexport class Till {\n  /** Pays. */\n  async pay(sum, cash = true) {}\n}\n",
    });
    till = await instance(join(gone.path, "till.mjs"), "Till");
  }
  const { doc, methods } = await describe(till);
  expect(doc?.summary).toBe("A till.");
  expect(methods["pay"]).toMatchObject({
    doc: { summary: "Pays." },
    source: { kind: "script", line: 4 },
  });
});

test("packages are described by their declarations", async () => {
  const { methods } = await describe(installed("nanoid"));
  expect(methods["nanoid"]).toMatchObject({
    doc: { summary: "Generate secure URL-friendly unique ID." },
    source: { kind: "declaration", file: expect.stringMatching(/^nanoid\/index\.d\.c?ts$/) },
  });
  expect(signatureText(methods["nanoid"]!)).toMatch(/^nanoid(<.*>)?\(size: number = 21\): /);
  const { methods: yaml } = await describe(installed("yaml"));
  expect(yaml["parse"]?.doc?.summary).toBe("Parse an input string into JavaScript.");
  const { methods: semver, name } = await describe(installed("semver"));
  expect(name).toBe("semver");
  expect(semver["satisfies"]?.parameters.map((parameter) => parameter.name)).toEqual([
    "version",
    "range",
    "options",
  ]);
});

test("what is built in is described by Node's types, or by name and arity", async () => {
  const { methods, name } = await describe(await nativeImport("node:fs"));
  expect(name).toBe("fs");
  expect(methods["promises.mkdir"]?.doc?.summary).toMatch(/^Asynchronously creates a directory/);
  expect(methods["existsSync"]?.parameters).toMatchObject([{ name: "path" }]);
  const native = await describe({ max: Math.max });
  expect(native.methods["max"]).toMatchObject({ parameters: [{}, {}], source: { kind: "none" } });
});

test("functions made at run time tell names and defaults; bound ones lead to what they bind", async () => {
  const deploys = new Deploys();
  const target = {
    made: runInThisContext("(function (a, b = 1) { return a; })"),
    bound: deploys.count.bind(deploys),
  };
  const { methods } = await describe(target);
  expect(signatureText(methods["made"]!)).toBe("made(a: unknown, b: number = 1): unknown");
  expect(methods["made"]?.source).toEqual({ kind: "script", line: 1 });
  expect(methods["bound"]?.doc?.summary).toBe("How many there are.");
});

test("without an inspector a function speaks for itself", async () => {
  const flags = ["--permission", "--allow-fs-read=*", "--allow-addons", "--no-warnings"];
  const program = `
    const { describe } = await import(${JSON.stringify(new URL("describe.ts", import.meta.url).href)});
    const made = { async add(a, b = 2, ...rest) { return a; }, *count(to) { yield to; } };
    process.stdout.write(JSON.stringify(await describe(made)));`;
  const { stdout } = await run(process.execPath, [...flags, "--input-type=module", "-e", program]);
  const { methods } = JSON.parse(stdout) as Description;
  expect(signatureText(methods["add"]!)).toBe(
    "add(a: unknown, b: number = 2, ...rest: unknown[]): Promise<unknown>",
  );
  expect(methods["add"]?.source).toEqual({ kind: "function" });
  expect(methods["count"]?.kind).toBe("stream");
});

test("object literals and what factories return have their words", async () => {
  /** A clock. */
  const clock = {
    /** Now. */
    now: (): number => 1,
    /** Later. */
    async later(byMs = 5): Promise<number> {
      return byMs;
    },
  };
  function create(start: bigint) {
    return {
      /** Counts on. */
      next: (step?: bigint) => start + (step ?? 1n),
    };
  }
  const { name, doc, methods } = await describe(clock);
  expect({ name, summary: doc?.summary }).toEqual({ name: "clock", summary: "A clock." });
  expect(methods["now"]?.doc?.summary).toBe("Now.");
  expect(signatureText(methods["later"]!)).toBe("later(byMs: number = 5): Promise<number>");
  const counter = await describe(create(1n));
  expect(counter.methods["next"]?.doc?.summary).toBe("Counts on.");
  expect(signatureText(counter.methods["next"]!)).toBe("next(step?: bigint): unknown");
});

test("an interface's words serve for the class that implements it", async () => {
  interface Shop {
    /** Sells one. */
    sell(sku: string): void;
  }
  class Corner implements Shop {
    sell(_sku: string): void {}
  }
  expect((await describe(new Corner())).methods["sell"]?.doc?.summary).toBe("Sells one.");
});

test("functions that take and give functions keep their own parameters", async () => {
  class Hooks {
    on(event: string, hook: (at: number) => void, ...more: (() => Promise<void>)[]): () => void {
      return () => [event, hook, more];
    }
  }
  const { methods } = await describe(new Hooks());
  expect(signatureText(methods["on"]!)).toBe(
    "on(event: string, hook: (at: number) => void, ...more: (() => Promise<void>)[]): () => void",
  );
  expect(methods["on"]?.overloads).toEqual([]);
});

test("a module that gathers the exports of others is named for its package", async () => {
  const { name, methods } = await describe(await import("./index.ts"));
  expect(name).toBe("@zeroplane/introspect");
  expect(methods["describe"]?.doc?.throws).toEqual(["what `members` throws"]);
});

test("two types of one name are told apart", async () => {
  await using files = await directory({
    "one.ts": "export interface Item { one: 1 }\n",
    "two.ts": "export interface Item { two: 2; self: Item | null }\n",
    "main.ts": `import type { Item } from "./one.ts";
import type { Item as Other } from "./two.ts";
export class Main { swap(item: Item): Other { throw item; } }
`,
  });
  const { methods, types } = await describe(await instance(join(files.path, "main.ts"), "Main"));
  expect(signatureText(methods["swap"]!)).toBe("swap(item: Item): Item2");
  expect(types["Item2"]).toBe("interface Item2 { two: 2; self: Item2 | null }");
});

test("nothing of the target runs, and the description is plain JSON", async () => {
  let runs = 0;
  const target = {
    get lazy() {
      runs += 1;
      return {};
    },
    fn(at = (runs += 1)) {
      runs += at;
    },
  };
  const description = await describe(target);
  expect(runs).toBe(0);
  expect(JSON.parse(JSON.stringify(description))).toEqual(description);
});
