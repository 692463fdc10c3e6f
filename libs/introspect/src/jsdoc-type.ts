import type { Typedef } from "./jsdoc-typedef.ts";
import type { NamedTypes, TypeScope } from "./named-types.ts";
import { parse } from "./parser.ts";
import type { SourceFile } from "./source-file.ts";

/**
 * A type out of a JSDoc comment, as TypeScript; `unknown` when it is neither.
 *
 * Read are the notations of JSDoc's catharsis that TypeScript's own reader knows: `*`, `?T`, `!T`,
 * `Array.<T>`, `Object.<K, V>`, and the capitalised names of the primitives.
 */
export function jsdocType(written: string, file: SourceFile, types: NamedTypes): string {
  const text = toTypeScript(written);
  const parsed = parse("/type.ts", `type _ = ${text};`);
  const [alias] = parsed.program.type === "Program" ? parsed.program.body : [];
  if (parsed.hasErrors || alias?.type !== "TSTypeAliasDeclaration") return "unknown";
  const within = { text: `type _ = ${text};`, comments: parsed.comments };
  const scope: TypeScope = { file, within, generics: new Map() };
  return types.write(alias.typeAnnotation, scope);
}

/** A `@typedef` as a TypeScript declaration. */
export function typedefText(
  { type, fields }: Typedef,
  { file, name, types }: { file: SourceFile; name: string; types: NamedTypes },
): string {
  if (fields.length === 0) return `type ${name} = ${jsdocType(type, file, types)};`;
  const lines = fields.map((field) => {
    const doc = field.doc === "" ? "" : `  /** ${field.doc} */\n`;
    return `${doc}  ${field.name}${field.optional ? "?" : ""}: ${jsdocType(field.type, file, types)};\n`;
  });
  return `interface ${name} {\n${lines.join("")}}`;
}

function toTypeScript(written: string): string {
  const text = written
    .trim()
    .replace(/^\.\.\.(.*)$/, (_, item: string) => `${inner(item)}[]`)
    .replace(/\.</g, "<")
    .replace(/\bObject</g, "Record<")
    .replace(/\bObject\b|\bobject\b/g, "Record<string, unknown>")
    .replace(/(?<![\w$."'])(String|Number|Boolean)(?![\w$."'])/g, (name) => name.toLowerCase())
    .replace(/(?<![\w$"'])[Ff]unction(?:\([^)]*\)(?::\s*[\w.]+)?)?(?![\w$"'])/g, "unknown")
    .replace(/(^|[<(|,\s])\*(?=$|[>)|,\s])/g, "$1unknown")
    .replace(/(^|[<(|,\s])!(?=[\w({])/g, "$1")
    .replace(/\barray\b/g, "Array")
    .replace(/\bArray\b(?!<)/g, "unknown[]");
  const nullable = /^\?(.+)$/.exec(text) ?? /^(.+)\?$/.exec(text);
  return nullable ? `${inner(nullable[1] ?? "")} | null` : text;
}

/** Parentheses around anything but one name or generic. */
function inner(type: string): string {
  return /^[\w$.]+(<[^|&]*>)?$/.test(type) ? type : `(${type})`;
}
