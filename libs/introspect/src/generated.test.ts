import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { describe } from "./describe.ts";
import { toDts } from "./dts.ts";
import { Orders } from "./fixtures/kinds.ts";
import { nativeImport } from "./fixtures/native-import.ts";
import { toJsonSchema, toResultSchema } from "./json-schema.ts";
import { toOpenApi } from "./open-api.ts";

const run = promisify(execFile);
const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const installed = (name: string): unknown => createRequire(import.meta.url)(name);

test("declarations of services of every kind compile", async () => {
  const path = await mkdtemp(join(tmpdir(), "introspect-generated-"));
  try {
    await symlink(modules, join(path, "node_modules"));
    const targets = {
      orders: new Orders(),
      path: await nativeImport("node:path"),
      fs: await nativeImport("node:fs"),
      util: await nativeImport("node:util"),
      crypto: await nativeImport("node:crypto"),
      nanoid: installed("nanoid"),
      pino: installed("pino"),
    };
    for (const [name, target] of Object.entries(targets)) {
      await writeFile(join(path, `${name}.d.ts`), toDts(await describe(target)));
    }
    const caller = `import type { path } from "./path.d.ts";
import type { Orders } from "./orders.d.ts";
declare const remote: path;
declare const orders: Orders;
remote.join("a", "b") satisfies string;
remote.posix.parse("/a").base satisfies string;
(await orders.change("1", { count: 2 })).state satisfies "open" | "paid";
// @ts-expect-error a number is no path
remote.join(1);
`;
    await writeFile(join(path, "caller.mts"), caller);
    const files = [...Object.keys(targets).map((name) => `${name}.d.ts`), "caller.mts"];
    const options = "--noEmit --strict --module nodenext --target esnext --types node".split(" ");
    const tsc = join(modules, "typescript", "bin", "tsc");
    const result = await run(process.execPath, [tsc, ...options, ...files], { cwd: path }).catch(
      (error) => error,
    );
    expect(result.stdout).toBe("");
  } finally {
    await rm(path, { recursive: true });
  }
}, 30_000);

test("a default interface name is an identifier that is free", async () => {
  const description = await describe(await nativeImport("node:fs/promises"));
  expect(toDts(description)).toContain("export interface FsPromises {");
  expect(
    toDts({ ...description, name: "Order", types: { Order: "interface Order {}" } }),
  ).toContain("export interface OrderService {");
});

test("JSON Schema resolves what a project's own types say", async () => {
  const description = await describe(new Orders());
  const order = toResultSchema(description, "change")["$defs"] as Record<string, object>;
  expect(order["Order"]).toMatchObject({
    properties: {
      at: { type: "string", format: "date-time", description: "When it came." },
      state: { $ref: "#/$defs/State" },
      size: { enum: ["small", "large"] },
      lines: { type: "array", items: { $ref: "#/$defs/Line" } },
      labels: { type: "object", additionalProperties: { type: "string" } },
      counts: { properties: { in: { type: "number" }, out: { type: "number" } } },
      receipt: { contentEncoding: "base64" },
      note: { anyOf: [{ type: "string" }, { type: "null" }] },
    },
    required: ["id", "at", "state", "lines", "labels", "counts", "receipt", "note", "short"],
  });
  expect(order["State"]).toEqual({ enum: ["open", "paid"] });
  // Mapped and conditional types are beyond it, and take anything.
  expect(toJsonSchema(description, "change")["properties"]).toMatchObject({
    change: { description: "what is new" },
  });
  const { properties } = toJsonSchema(description, "find") as { properties: { order: object } };
  expect(properties.order).toMatchObject({
    allOf: [{ properties: { sku: { type: "string" } }, required: ["sku"] }, {}],
  });
});

test("OpenAPI points at nothing that is not there", async () => {
  const document = toOpenApi(await describe(new Orders()));
  const { schemas } = document["components"] as { schemas: Record<string, object> };
  const references = JSON.stringify(document).match(/(?<="\$ref":")[^"]+/g) ?? [];
  expect(references.length).toBeGreaterThan(3);
  for (const reference of references) {
    expect(Object.keys(schemas)).toContain(reference.replace("#/components/schemas/", ""));
  }
});
