import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { parseArguments } from "./arguments.ts";
import { describe } from "./describe.ts";
import { toDts } from "./dts.ts";
import { Deploys } from "./fixtures/deploys.ts";
import { toHelp } from "./help.ts";
import { toJsonSchema, toResultSchema } from "./json-schema.ts";
import { toMarkdown } from "./markdown.ts";
import { toZerorpcInspect } from "./zerorpc.ts";

const description = await describe(new Deploys());
const run = promisify(execFile);

test("the .d.ts text compiles on its own, and a caller is checked against it", async () => {
  const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
  const path = await mkdtemp(join(tmpdir(), "introspect-dts-"));
  try {
    await symlink(modules, join(path, "node_modules"));
    await writeFile(join(path, "deploys.d.ts"), toDts(description));
    const caller = `import type { Deploys } from "./deploys.d.ts";
declare const deploys: Deploys;
const made: Promise<{ id: string }> = deploys.create("shop", "v2", { place: "anywhere" });
for await (const line of deploys.logs("1")) line.trim();
await deploys.jobs.stop((await made).id);
deploys.find("x", true).state satisfies "queued" | "running" | "failed";
// @ts-expect-error a number is no app
await deploys.create(7);
`;
    await writeFile(join(path, "caller.mts"), caller);
    const options = "--noEmit --strict --module nodenext --target esnext --types node caller.mts";
    const tsc = join(modules, "typescript", "bin", "tsc");
    const result = await run(process.execPath, [tsc, ...options.split(" ")], { cwd: path }).catch(
      (error) => error,
    );
    expect(result.stdout).toBe("");
  } finally {
    await rm(path, { recursive: true });
  }
});

test("a .d.ts interface needs a name that is free", () => {
  expect(toDts(description, "Api")).toContain("export interface Api {");
  for (const name of ["Deploy", "no name"]) {
    expect(() => toDts(description, name)).toThrow(
      expect.objectContaining({ code: "ERR_INTROSPECT_NAME" }),
    );
  }
});

test("zerorpc's inspect has names, default values and words, and leaves rest parameters out", () => {
  const { name, methods } = toZerorpcInspect(description);
  expect(name).toBe("Deploys");
  expect(methods["create"]?.args).toEqual([
    { name: "app" },
    { name: "ref", default: "main" },
    { name: "options", default: '{ place: "anywhere" }' },
  ]);
  expect(methods["list"]?.args).toEqual([{ name: "limit" }]);
  expect(methods["create"]?.doc).toMatch(/^Starts a deploy[\s\S]*app: name of the app\n/);
  expect(methods["undocumented"]?.doc).toBeNull();
});

test("help lists the methods under their groups, and tells all about one", () => {
  const overview = toHelp(description);
  expect(overview).toMatch(/^Deploys\n\nDeploys of every app\.\n/);
  expect(overview).toMatch(/ {2}create\(app, ref = "main", options = …\) {2}Starts a deploy/);
  expect(overview).toMatch(/\njobs {2}Background work\.\n {2}jobs\.stop\(id\) +Stops a job\.\n$/);
  const one = toHelp(description, "create");
  for (const words of [
    "Parameters",
    "branch, tag or commit",
    "Throws",
    "when ten are queued",
    "interface Deploy {",
    "deploys.ts:53",
  ]) {
    expect(one).toContain(words);
  }
  expect(one).not.toContain("\u001b");
  expect(toHelp(description, "create", { color: true })).toContain("\u001b[1m");
  expect(() => toHelp(description, "creatd")).toThrow(/no method "creatd"; did you mean create/);
});

test("help writes nothing to a terminal but text", () => {
  const hostile = structuredClone(description);
  hostile.methods["count"]!.doc!.summary = "red \u001b[31mink\u0007 \u009b2J";
  expect(toHelp(hostile)).toContain("red ink");
  // oxlint-disable-next-line no-control-regex -- looks for what must not be there
  expect(toHelp(hostile)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test("Markdown has a section for each method and a table that no type can break", () => {
  const page = toMarkdown(description);
  expect(page).toContain("## create\n\n```ts\ncreate(app: string");
  expect(page).toContain('| `ref` | `string` | `"main"` | branch, tag or commit |');
  expect(page).toContain("> **Deprecated.** use the other one");
  expect(page).toContain("## Types");
});

test("JSON Schema knows literals, optional fields, arrays and named types", () => {
  const create = toJsonSchema(description, "create");
  expect(create["required"]).toEqual(["app"]);
  expect(create["properties"]).toEqual({
    app: { type: "string", description: "name of the app" },
    ref: { type: "string", description: "branch, tag or commit", default: "main" },
    options: {
      type: "object",
      properties: { dryRun: { type: "boolean" }, place: { $ref: "#/$defs/Region" } },
      required: ["place"],
      description: "what else to say",
    },
  });
  expect(create["$defs"]).toEqual({
    Region: {
      anyOf: [
        {
          type: "object",
          properties: { name: { type: "string" }, zone: { type: "number" } },
          required: ["name", "zone"],
        },
        { const: "anywhere" },
      ],
    },
  });
  expect(toJsonSchema(description, "list")["properties"]).toMatchObject({
    states: { type: "array", items: { $ref: "#/$defs/DeployState" } },
  });
  expect(toResultSchema(description, "list")).toMatchObject({
    properties: {
      items: { items: { $ref: "#/$defs/Deploy" } },
      next: { anyOf: [{ type: "string" }, { type: "null" }] },
    },
    $defs: { Deploy: { properties: { region: { description: "Where it runs." } } } },
  });
  expect(toResultSchema(description, "undocumented")).toEqual({ $schema: expect.any(String) });
});

test("words of a shell become arguments by their types", () => {
  expect(parseArguments(description, "create", ["7", "true", '{"place":"anywhere"}'])).toEqual([
    "7",
    "true",
    { place: "anywhere" },
  ]);
  expect(parseArguments(description, "list", ["3", "queued", "failed"])).toEqual([
    3,
    "queued",
    "failed",
  ]);
  expect(parseArguments(description, "undocumented", ["{", "2026-01-31T12:00:00Z"])).toEqual([
    "{",
    new Date("2026-01-31T12:00:00Z"),
  ]);
  expect(parseArguments(description, "undocumented", ['{"a":1}'])).toEqual([{ a: 1 }]);
  expect(parseArguments(description, "count", [])).toEqual([]);
});

test("words that do not fit are refused with the name of the parameter", () => {
  const refusals: [string, string[], RegExp][] = [
    [
      "create",
      [],
      /create: argument "app" \(string\) is missing; usage: create <app> \[ref\] \[options\]/,
    ],
    ["list", ["many"], /argument "limit" is not a number: "many"/],
    ["list", [""], /argument "limit" is not a number/],
    ["list", ["1", "paused"], /argument "states" is not one of queued, running, failed/],
    ["create", ["a", "b", "{"], /argument "options" is not JSON/],
    ["create", ["a", "b", "[]"], /argument "options" is not a JSON object/],
    ["create", ["a", "b", "{}"], /argument "options" has no "place"/],
    ["undocumented", ["x", "soon"], /argument "when" is not a date/],
    ["count", ["1"], /count: takes 0 arguments, not 1/],
  ];
  for (const [method, words, message] of refusals) {
    expect(() => parseArguments(description, method, words)).toThrow(message);
  }
  expect(() => parseArguments(description, "nothing", [])).toThrow(
    expect.objectContaining({ code: "ERR_INTROSPECT_METHOD" }),
  );
});
