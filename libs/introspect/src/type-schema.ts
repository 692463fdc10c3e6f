import { derivedSchema, itemSchema, keysSchema } from "./derived-schema.ts";
import { nameOf } from "./function-index.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { Node } from "./parser.ts";
import { SourceFile } from "./source-file.ts";

/** What the names in a type mean. */
export interface SchemaScope {
  /** Declarations by name. */
  types: Record<string, string>;
  /** Filled with the schemas of the names that were met. */
  definitions: Map<string, JsonSchema>;
  generics: ReadonlyMap<string, JsonSchema>;
  depth: number;
}

/** Types within types that are followed; deeper ones take anything. */
const DEPTH_MAX = 16;
/** Most texts kept parsed. */
const TEXTS_MAX = 1_000;
const parsed = new Map<string, SourceFile>();

/** Types that are one word of the language: no parser is loaded for them. */
const WORDS: Readonly<Record<string, JsonSchema>> = {
  string: { type: "string" },
  number: { type: "number" },
  bigint: { type: "integer" },
  boolean: { type: "boolean" },
  null: { type: "null" },
  undefined: { type: "null" },
  void: { type: "null" },
  never: { not: {} },
  object: { type: "object" },
  unknown: {},
  any: {},
};

/** The schema of a type, from its text. */
export function schemaOfType(type: string, scope: SchemaScope): JsonSchema {
  if (Object.hasOwn(WORDS, type)) return { ...WORDS[type] };
  const file = parseText(`type _ = ${type};`);
  const alias = file.module.types.get("_");
  return alias?.type === "TSTypeAliasDeclaration"
    ? schemaOf(alias.typeAnnotation, { ...scope, file })
    : {};
}

interface At extends SchemaScope {
  file: SourceFile;
}

function parseText(text: string): SourceFile {
  const held = parsed.get(text);
  if (held) return held;
  if (parsed.size >= TEXTS_MAX) parsed.clear();
  const file = new SourceFile("/type.ts", text);
  parsed.set(text, file);
  return file;
}

function schemaOf(node: Node, at: At): JsonSchema {
  switch (node.type) {
    case "TSStringKeyword":
      return { type: "string" };
    case "TSNumberKeyword":
      return { type: "number" };
    case "TSBigIntKeyword":
      return { type: "integer" };
    case "TSBooleanKeyword":
      return { type: "boolean" };
    case "TSNullKeyword":
    case "TSUndefinedKeyword":
    case "TSVoidKeyword":
      return { type: "null" };
    case "TSNeverKeyword":
      return { not: {} };
    case "TSObjectKeyword":
      return { type: "object" };
    case "TSTemplateLiteralType":
      return { type: "string" };
    case "TSParenthesizedType":
      return schemaOf(node.typeAnnotation, at);
    case "TSTypeOperator":
      return operatorSchema(node.operator, schemaOf(node.typeAnnotation, at), at);
    case "TSIndexedAccessType":
      return itemSchema(
        dereferenced(schemaOf(node.objectType, at), at),
        dereferenced(schemaOf(node.indexType, at), at),
      );
    case "TSLiteralType":
      return literalSchema(at.file.text.slice(node.start, node.end));
    case "TSArrayType":
      return { type: "array", items: schemaOf(node.elementType, at) };
    case "TSTupleType":
      return tupleSchema(node.elementTypes, at);
    case "TSUnionType":
      return unionSchema(node.types, at);
    case "TSIntersectionType":
      return { allOf: node.types.map((type) => schemaOf(type, at)) };
    case "TSTypeLiteral":
      return objectSchema(node.members, at);
    case "TSTypeReference":
      return referenceSchema(node, at);
    default:
      return {};
  }
}

function operatorSchema(operator: string, schema: JsonSchema, at: At): JsonSchema {
  if (operator === "keyof") return keysSchema(dereferenced(schema, at));
  return operator === "readonly" ? schema : {};
}

function literalSchema(text: string): JsonSchema {
  const quoted = /^'(.*)'$/s.exec(text) ?? /^`([^$]*)`$/s.exec(text);
  if (quoted) return { const: (quoted[1] ?? "").replaceAll("\\'", "'") };
  try {
    return { const: JSON.parse(text) };
  } catch {
    return {};
  }
}

function unionSchema(nodes: readonly Node[], at: At): JsonSchema {
  const present = nodes.filter(
    ({ type }) => type !== "TSUndefinedKeyword" && type !== "TSVoidKeyword",
  );
  const schemas = present.map((node) => schemaOf(node, at));
  if (schemas.some((schema) => Object.keys(schema).length === 0)) return {};
  const [first] = schemas;
  if (first && schemas.length === 1) return first;
  if (schemas.every((schema) => "const" in schema))
    return { enum: schemas.map((schema) => schema["const"]) };
  return { anyOf: schemas };
}

function tupleSchema(elements: readonly Node[], at: At): JsonSchema {
  const plain = elements.map((element) =>
    element.type === "TSNamedTupleMember" ? element.elementType : element,
  );
  const fixed = plain.filter(({ type }) => type !== "TSRestType");
  const isOptional = (element: Node) =>
    element.type === "TSOptionalType" ||
    (element.type === "TSNamedTupleMember" && element.optional);
  const required = elements.filter((each, index) => {
    return plain[index]?.type !== "TSRestType" && !isOptional(each);
  });
  const rest = plain.find(({ type }) => type === "TSRestType");
  const inner = (node: Node) =>
    schemaOf(
      node.type === "TSOptionalType" || node.type === "TSRestType" ? node.typeAnnotation : node,
      at,
    );
  const restSchema = rest && (inner(rest)["items"] ?? {});
  return {
    type: "array",
    prefixItems: fixed.map(inner),
    minItems: required.length,
    ...(rest ? { items: restSchema } : { maxItems: fixed.length }),
  };
}

function objectSchema(members: readonly Node[], at: At): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  let values: JsonSchema | undefined;
  for (const member of members) {
    if (member.type === "TSIndexSignature")
      values = schemaOf(member.typeAnnotation.typeAnnotation, at);
    if (member.type !== "TSPropertySignature" || member.computed) continue;
    const name = nameOf(member.key);
    const type = member.typeAnnotation?.typeAnnotation;
    if (type?.type === "TSFunctionType") continue;
    properties[name] = { ...(type ? schemaOf(type, at) : {}), ...describedBy(member, at) };
    if (!member.optional) required.push(name);
  }
  return {
    type: "object",
    properties,
    required,
    ...(values ? { additionalProperties: values } : {}),
  };
}

function describedBy(member: Node, { file }: At): JsonSchema {
  const doc = file.docBefore([member.start])?.doc;
  const description = [doc?.summary ?? "", doc?.description ?? ""].filter(Boolean).join("\n\n");
  return description === "" ? {} : { description };
}

type Reference = Extract<Node, { type: "TSTypeReference" }>;

function referenceSchema(node: Reference, at: At): JsonSchema {
  const name = at.file.text.slice(node.typeName.start, node.typeName.end);
  const generic = at.generics.get(name);
  if (generic) return generic;
  const args: readonly Node[] = node.typeArguments?.params ?? [];
  if (!Object.hasOwn(at.types, name)) return builtinSchema(name, args, at);
  if (args.length > 0) return at.depth < DEPTH_MAX ? declaredSchema(name, args, at) : {};
  if (!at.definitions.has(name)) {
    at.definitions.set(name, {});
    at.definitions.set(name, declaredSchema(name, [], { ...at, generics: new Map() }));
  }
  return { $ref: `#/$defs/${name}` };
}

function declaredSchema(name: string, args: readonly Node[], at: At): JsonSchema {
  const file = parseText(at.types[name] ?? "");
  const node = [...file.module.types.values()][0];
  if (!node || node.type === "TSEnumDeclaration") return {};
  const bound = (node.typeParameters?.params ?? []).map((parameter, index) => {
    const given = args[index];
    return [parameter.name.name, given ? schemaOf(given, at) : {}] as const;
  });
  const inner: At = { ...at, file, generics: new Map(bound), depth: at.depth + 1 };
  if (node.type === "TSTypeAliasDeclaration") return schemaOf(node.typeAnnotation, inner);
  if (node.type !== "TSInterfaceDeclaration") return {};
  const own = objectSchema(node.body.body, inner);
  const parents = node.extends
    .map(({ expression }) => nameOf(expression))
    .filter((parent) => parent in at.types);
  if (parents.length === 0) return own;
  const inherited = parents.map((parent) => schemaOfType(parent, { ...at, depth: inner.depth }));
  return { allOf: [...inherited, own] };
}

const BINARY = /^(Buffer|Uint8Array|ArrayBuffer|DataView|\w+Array)$/;

function builtinSchema(name: string, args: readonly Node[], at: At): JsonSchema {
  const inner = (index: number): JsonSchema => {
    const node = args[index];
    return node ? schemaOf(node, at) : {};
  };
  if (/^(Array|ReadonlyArray|Set|ReadonlySet|Iterable|AsyncIterable|AsyncGenerator)$/.test(name)) {
    return { type: "array", items: inner(0) };
  }
  if (name === "Date") return { type: "string", format: "date-time" };
  if (name === "URL") return { type: "string", format: "uri" };
  if (BINARY.test(name)) return { type: "string", contentEncoding: "base64" };
  if (/^(Promise|PromiseLike|Awaited|Readonly|NoInfer|NonNullable)$/.test(name)) return inner(0);
  if (args.length === 0) return {};
  const schemas = args.map((_, index) => inner(index));
  const dereference = (schema: JsonSchema) => dereferenced(schema, at);
  return derivedSchema({ name, args: schemas, dereference }) ?? {};
}

/** What a reference leads to. */
function dereferenced(schema: JsonSchema, at: At): JsonSchema {
  const name = /^#\/\$defs\/(.*)$/.exec(`${schema["$ref"] as string | undefined}`)?.[1];
  return (name ? at.definitions.get(name) : undefined) ?? schema;
}
