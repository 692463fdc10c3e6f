import type { Doc, Parameter } from "./description.ts";
import type { DocTypes } from "./doc-comment.ts";
import type { Found } from "./find-source.ts";
import type { FunctionNode } from "./function-index.ts";
import { jsdocType } from "./jsdoc-type.ts";
import type { NamedTypes, TypeScope } from "./named-types.ts";
import type { Node } from "./parser.ts";
import { collapse } from "./type-text.ts";

/** Parameters and return type of one function, as its text tells them. */
export interface Signature {
  typeParameters: string;
  parameters: Parameter[];
  /** Undefined when neither an annotation nor JSDoc tells it. */
  returns: string | undefined;
  isGenerator: boolean;
  isAsync: boolean;
}

/** What a doc comment adds to a signature. */
export interface SignatureDoc {
  doc: Doc | undefined;
  types: DocTypes | undefined;
}

/** Reads the signature of a function out of its text. */
export function readSignature(found: Found, comment: SignatureDoc, types: NamedTypes): Signature {
  const { site, file } = found;
  const { annotation } = site;
  const node =
    annotation?.type === "TSFunctionType" && !isTyped(site.node) ? annotation : site.node;
  const scope: TypeScope = { file, generics: genericsOf(found, node) };
  const read: Reader = { found, scope, types, comment };
  const written = node.returnType?.typeAnnotation;
  const jsdoc = comment.types?.returns;
  return {
    typeParameters: node.typeParameters ? types.write(node.typeParameters, scope) : "",
    parameters: paramsOf(node).map((param, at) => readParameter(param, at, read)),
    returns: written ? returnText(written, read) : jsdoc && jsdocType(jsdoc, file, types),
    isGenerator: "generator" in site.node && site.node.generator,
    isAsync: "async" in site.node && site.node.async,
  };
}

/** The type of a literal default: `string` for `"main"`. */
export function literalType(text: string): string {
  if (/^["'`]/.test(text)) return "string";
  if (/^[-+]?(\d|\.\d|Infinity|NaN)/.test(text)) return text.endsWith("n") ? "bigint" : "number";
  if (/^(true|false)$/.test(text)) return "boolean";
  if (text.startsWith("[")) return "unknown[]";
  if (text.startsWith("{")) return "Record<string, unknown>";
  const made = /^new (Date|Map|Set|URL|RegExp|Uint8Array)\b/.exec(text)?.[1];
  return made
    ? made.replace(/^(Map)$/, "Map<unknown, unknown>").replace(/^(Set)$/, "Set<unknown>")
    : "unknown";
}

interface Reader {
  found: Found;
  scope: TypeScope;
  types: NamedTypes;
  comment: SignatureDoc;
}

function paramsOf(node: FunctionNode): Node[] {
  const isThis = (param: Node) => param.type === "Identifier" && param.name === "this";
  return (node.params as Node[]).filter((param) => !isThis(param));
}

function isTyped(node: FunctionNode): boolean {
  return (
    Boolean(node.returnType) ||
    node.params.some((param) => "typeAnnotation" in param && param.typeAnnotation)
  );
}

/** `x is T` answers with a boolean, `asserts x` with nothing. */
function returnText(written: Node, { types, scope }: Reader): string {
  if (written.type !== "TSTypePredicate") return types.write(written, scope);
  return written.asserts ? "void" : "boolean";
}

/** A method's own type parameters stay; those of its class mean nothing to a caller. */
function genericsOf({ site }: Found, node: FunctionNode): Map<string, string> {
  const generics = new Map<string, string>();
  const holder = site.container?.node;
  const outer = holder && "typeParameters" in holder ? holder.typeParameters : null;
  for (const { name } of outer?.params ?? []) generics.set(name.name, "unknown");
  for (const { name } of node.typeParameters?.params ?? []) generics.set(name.name, name.name);
  return generics;
}

function readParameter(param: Node, at: number, read: Reader): Parameter {
  const assigned = param.type === "AssignmentPattern" ? param : undefined;
  const rest = param.type === "RestElement";
  const target: Node = assigned?.left ?? (param.type === "RestElement" ? param.argument : param);
  const name = parameterName(target, at, read);
  const jsdoc = own(read.comment.types?.params, name);
  const value = assigned ? slice(assigned.right, read) : jsdoc?.default;
  const parameter: Parameter = {
    name,
    type: parameterType(param, target, { read, jsdoc, value }),
    optional:
      rest ||
      value !== undefined ||
      ("optional" in target && target.optional === true) ||
      jsdoc?.optional === true,
    rest,
    doc: own(read.comment.doc?.params, name) ?? "",
  };
  return value === undefined ? parameter : { ...parameter, default: value };
}

function parameterType(
  param: Node,
  target: Node,
  {
    read,
    jsdoc,
    value,
  }: { read: Reader; jsdoc: { type: string } | undefined; value: string | undefined },
): string {
  const { types, scope, found } = read;
  const rest = param.type === "RestElement";
  for (const node of [param, target]) {
    const written = "typeAnnotation" in node ? node.typeAnnotation : null;
    if (written?.type === "TSTypeAnnotation") return types.write(written.typeAnnotation, scope);
  }
  if (jsdoc) {
    const type = jsdocType(jsdoc.type, found.file, types);
    return rest && !type.endsWith("[]") ? `${/[|&\s]/.test(type) ? `(${type})` : type}[]` : type;
  }
  if (rest) return "unknown[]";
  if (target.type === "ObjectPattern") return patternType(target, read);
  return value === undefined ? "unknown" : literalType(value);
}

/** `{ limit = 10, after }` says that much about what it takes. */
function patternType(pattern: Extract<Node, { type: "ObjectPattern" }>, read: Reader): string {
  const fields = pattern.properties.flatMap((property) => {
    if (property.type !== "Property" || property.key.type !== "Identifier") return [];
    const assigned: Node = property.value;
    const value = assigned.type === "AssignmentPattern" ? slice(assigned.right, read) : undefined;
    return `${property.key.name}?: ${value === undefined ? "unknown" : literalType(value)}`;
  });
  return `{ ${fields.join("; ")} }`;
}

/** A pattern has no name: the doc comment's name for that place, else what it is by custom. */
function parameterName(target: Node, at: number, { comment }: Reader): string {
  if (target.type === "Identifier") return target.name;
  const documented = Object.keys(comment.doc?.params ?? {}).filter((name) => !name.includes("."))[
    at
  ];
  return documented ?? (target.type === "ObjectPattern" ? "options" : `argument${at + 1}`);
}

function slice(node: Node, { found }: Reader): string {
  return collapse(found.file.text.slice(node.start, node.end));
}

function own<T>(record: Record<string, T> | undefined, key: string): T | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}
