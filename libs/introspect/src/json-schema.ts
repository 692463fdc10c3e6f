import { type Description, methodOf, type Parameter } from "./description.ts";
import { type SchemaScope, schemaOfType } from "./type-schema.ts";

/** A JSON Schema, draft 2020-12. An empty one takes anything. */
export interface JsonSchema {
  [keyword: string]: unknown;
}

const DRAFT = "https://json-schema.org/draft/2020-12/schema";

/**
 * The parameters of a method as one object schema, in their order; the types it names are under
 * `$defs`. What JSON Schema cannot say (`unknown`, functions, type parameters) takes anything.
 *
 * @throws `ERR_INTROSPECT_METHOD`
 */
export function toJsonSchema(description: Description, method: string): JsonSchema {
  const { parameters } = methodOf(description, method);
  const scope = scopeOf(description);
  const properties = parameters.map((parameter) => [
    parameter.name,
    parameterSchema(parameter, scope),
  ]);
  return {
    $schema: DRAFT,
    title: method,
    type: "object",
    properties: Object.fromEntries(properties),
    required: parameters.filter(({ optional }) => !optional).map(({ name }) => name),
    additionalProperties: false,
    ...definitions(scope),
  };
}

/**
 * What a call gives, or one item of a stream.
 *
 * @throws `ERR_INTROSPECT_METHOD`
 */
export function toResultSchema(description: Description, method: string): JsonSchema {
  const { returns } = methodOf(description, method);
  const scope = scopeOf(description);
  return { $schema: DRAFT, ...schemaOfType(returns.item, scope), ...definitions(scope) };
}

/** The schema of one parameter, whose references stand in `scope.definitions`. */
export function parameterSchema(parameter: Parameter, scope: SchemaScope): JsonSchema {
  const schema = { ...schemaOfType(parameter.type, scope) };
  if (parameter.doc !== "") schema["description"] = parameter.doc;
  const value = literalValue(parameter.default);
  if (value !== undefined) schema["default"] = value;
  return schema;
}

/** A scope that knows the named types of a description. */
export function scopeOf(description: Description): SchemaScope {
  return { types: description.types, definitions: new Map(), generics: new Map(), depth: 0 };
}

/** The value of a default that is written as a literal; undefined for any other. */
export function literalValue(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const single = /^'((?:[^'\\"]|\\')*)'$/.exec(text) ?? /^`([^`\\"$]*)`$/.exec(text);
  try {
    return JSON.parse(
      single
        ? `"${(single[1] ?? "").replaceAll("\\'", "'")}"`
        : text.replace(/(?<=\d)_(?=\d)/g, ""),
    );
  } catch {
    return undefined;
  }
}

function definitions({ definitions: found }: SchemaScope): JsonSchema {
  return found.size > 0 ? { $defs: Object.fromEntries(found) } : {};
}
