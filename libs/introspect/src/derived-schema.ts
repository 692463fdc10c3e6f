import type { JsonSchema } from "./json-schema.ts";

/** The schema that a reference leads to; any other as it is. */
export type Dereference = (schema: JsonSchema) => JsonSchema;

/** A type of the language that is made from others, and the schemas of those. */
export interface Derived {
  name: string;
  args: readonly JsonSchema[];
  dereference: Dereference;
}

/** `Partial`, `Required`, `Pick`, `Omit`, `Record`, `Exclude`, `Extract`; undefined for all others. */
export function derivedSchema({ name, args, dereference }: Derived): JsonSchema | undefined {
  const [first = {}, second = {}] = args.map(dereference);
  const fields = propertiesOf(first);
  switch (name) {
    case "Partial": {
      const { required: _, ...rest } = first;
      return rest;
    }
    case "Required":
      return fields && { ...first, required: Object.keys(fields) };
    case "Pick":
      return narrowed(first, (key) => literals(second)?.includes(key) ?? true);
    case "Omit":
      return narrowed(first, (key) => !(literals(second)?.includes(key) ?? false));
    case "Record":
      return record(first, args[1] ?? {});
    case "Exclude":
      return chosen(first, (value) => !(literals(second)?.includes(value) ?? false));
    case "Extract":
      return chosen(first, (value) => literals(second)?.includes(value) ?? true);
    default:
      return undefined;
  }
}

/** `keyof T` */
export function keysSchema(schema: JsonSchema): JsonSchema {
  const fields = propertiesOf(schema);
  return fields && !schema["additionalProperties"] ? { enum: Object.keys(fields) } : {};
}

/** `T["key"]`, `T[number]`, and the union of several. */
export function itemSchema(schema: JsonSchema, index: JsonSchema): JsonSchema {
  const fields = propertiesOf(schema);
  const keys = literals(index);
  if (fields && keys) {
    const found = keys.map((key) => fields[String(key)] ?? {});
    return found.length === 1 ? (found[0] ?? {}) : { anyOf: found };
  }
  const items = schema["type"] === "array" && index["type"] === "number" ? schema["items"] : {};
  return (items ?? {}) as JsonSchema;
}

function propertiesOf(schema: JsonSchema): Record<string, JsonSchema> | undefined {
  return schema["properties"] as Record<string, JsonSchema> | undefined;
}

/** The values of an enumeration; undefined for any other schema. */
function literals(schema: JsonSchema): unknown[] | undefined {
  if ("const" in schema) return [schema["const"]];
  return Array.isArray(schema["enum"]) ? schema["enum"] : undefined;
}

function narrowed(schema: JsonSchema, keep: (key: string) => boolean): JsonSchema {
  const fields = propertiesOf(schema);
  if (!fields) return {};
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  return {
    ...schema,
    properties: Object.fromEntries(Object.entries(fields).filter(([key]) => keep(key))),
    required: required.filter(keep),
  };
}

function record(keys: JsonSchema, value: JsonSchema): JsonSchema {
  const names = literals(keys)?.map(String);
  if (!names) return { type: "object", additionalProperties: value };
  const properties = Object.fromEntries(names.map((name) => [name, value]));
  return { type: "object", properties, required: names };
}

function chosen(schema: JsonSchema, keep: (value: unknown) => boolean): JsonSchema {
  const values = literals(schema)?.filter(keep);
  return values ? { enum: values } : schema;
}
