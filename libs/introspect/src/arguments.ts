import {
  type Description,
  type MethodDescription,
  methodOf,
  type Parameter,
} from "./description.ts";
import { IntrospectError } from "./errors.ts";
import { type JsonSchema, scopeOf } from "./json-schema.ts";
import { type SchemaScope, schemaOfType } from "./type-schema.ts";

/**
 * The words of a command line as the arguments of a call. A word is taken as it is where the type
 * says string, as a number or boolean where it says so, and as JSON otherwise; where nothing is
 * said, as JSON when it is JSON and else as it is.
 *
 * @throws `ERR_INTROSPECT_ARGUMENTS` naming the parameter, and `ERR_INTROSPECT_METHOD`
 */
export function parseArguments(
  description: Description,
  method: string,
  words: readonly string[],
): unknown[] {
  const described = methodOf(description, method);
  const { parameters } = described;
  const last = parameters.at(-1);
  if (words.length > parameters.length && !last?.rest) {
    const most = parameters.length;
    throw refuse(described, `takes ${most} argument${most === 1 ? "" : "s"}, not ${words.length}`);
  }
  // Of a parameter that nobody has typed it is not known whether it may be left out.
  const isNeeded = ({ optional, type }: Parameter): boolean => !optional && type !== "unknown";
  const missing = parameters.find((each, at) => at >= words.length && isNeeded(each));
  if (missing) throw refuse(described, `argument "${missing.name}" (${missing.type}) is missing`);
  const scope = scopeOf(description);
  return words.map((word, at) => {
    const parameter = parameters[at] ?? (last as Parameter);
    const schema = schemaOfType(parameter.type, scope);
    const wanted = parameter.rest ? ((schema["items"] as JsonSchema | undefined) ?? {}) : schema;
    const value = convert(word, wanted, scope);
    if (value.ok) return value.value;
    throw refuse(described, `argument "${parameter.name}" ${value.problem}: ${shorten(word)}`);
  });
}

type Converted = { ok: true; value: unknown } | { ok: false; problem: string };

const ok = (value: unknown): Converted => ({ ok: true, value });
const no = (problem: string): Converted => ({ ok: false, problem });

function convert(word: string, schema: JsonSchema, scope: SchemaScope): Converted {
  const target = followed(schema, scope);
  if (Array.isArray(target["anyOf"]))
    return convertAny(word, target["anyOf"] as JsonSchema[], scope);
  const choices = "const" in target ? [target["const"]] : target["enum"];
  if (Array.isArray(choices)) {
    const found = choices.find((choice) => String(choice) === word);
    return found === undefined ? no(`is not one of ${choices.map(String).join(", ")}`) : ok(found);
  }
  switch (target["type"]) {
    case "string":
      return convertString(word, target);
    case "number":
      return word.trim() === "" || Number.isNaN(Number(word))
        ? no("is not a number")
        : ok(Number(word));
    case "integer":
      return /^[-+]?\d+$/.test(word) ? ok(BigInt(word)) : no("is not a whole number");
    case "boolean":
      return word === "true" || word === "false"
        ? ok(word === "true")
        : no("is neither true nor false");
    case "null":
      return word === "null" ? ok(null) : no("is not null");
    default:
      return convertJson(word, target);
  }
}

function convertString(word: string, { format, contentEncoding }: JsonSchema): Converted {
  if (contentEncoding === "base64") {
    return /^[A-Za-z0-9+/]*={0,2}$/.test(word)
      ? ok(new Uint8Array(Buffer.from(word, "base64")))
      : no("is not base64");
  }
  if (format !== "date-time") return ok(word);
  const date = new Date(word);
  return Number.isNaN(date.getTime()) ? no("is not a date such as 2026-01-31T12:00:00Z") : ok(date);
}

/** The narrowest alternative that fits: plain text comes last, since everything is text. */
function convertAny(word: string, schemas: JsonSchema[], scope: SchemaScope): Converted {
  const isText = (schema: JsonSchema) => followed(schema, scope)["type"] === "string";
  const ordered = schemas.toSorted((one, other) => Number(isText(one)) - Number(isText(other)));
  const tried = ordered.map((schema) => convert(word, schema, scope));
  return (
    tried.find((each) => each.ok) ??
    no(tried.map((each) => (each.ok ? "" : each.problem)).join(" and "))
  );
}

function convertJson(word: string, schema: JsonSchema): Converted {
  let value: unknown;
  try {
    value = JSON.parse(word);
  } catch {
    return Object.keys(schema).length === 0 ? ok(word) : no("is not JSON");
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (schema["type"] === "array" && !Array.isArray(value)) return no("is not a JSON array");
  if (schema["type"] === "object" || schema["allOf"]) {
    if (!isObject) return no("is not a JSON object");
    const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
    const absent = required.find((key) => !Object.hasOwn(value as object, key));
    if (absent !== undefined) return no(`has no "${absent}"`);
  }
  return ok(value);
}

function followed(schema: JsonSchema, scope: SchemaScope): JsonSchema {
  let target = schema;
  for (let hops = 0; typeof target["$ref"] === "string" && hops < 8; hops += 1) {
    target = scope.definitions.get(target["$ref"].replace("#/$defs/", "")) ?? {};
  }
  return target;
}

function refuse(method: MethodDescription, problem: string): IntrospectError {
  const usage = method.parameters.map(({ name, optional, rest }) => {
    const shown = rest ? `${name}...` : name;
    return optional ? ` [${shown}]` : ` <${shown}>`;
  });
  const message = `${method.name}: ${problem}; usage: ${method.name}${usage.join("")}`;
  return new IntrospectError("ERR_INTROSPECT_ARGUMENTS", message);
}

function shorten(word: string): string {
  return JSON.stringify(word.length > 60 ? `${word.slice(0, 60)}…` : word);
}
