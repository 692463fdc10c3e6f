import { splitType } from "./doc-comment.ts";
import type { SourceFile } from "./source-file.ts";

/** A type that a JavaScript author declares in a comment. */
export interface Typedef {
  /** JSDoc type text; empty when its fields say what it is. */
  type: string;
  fields: { name: string; type: string; optional: boolean; doc: string }[];
}

const held = new WeakMap<SourceFile, Map<string, Typedef>>();

/** The `@typedef` types of a file, by name; read once for a file. */
export function typedefsOf(file: SourceFile): Map<string, Typedef> {
  const known = held.get(file);
  if (known) return known;
  const found = new Map<string, Typedef>();
  held.set(file, found);
  for (const { value } of file.comments) {
    if (!value.includes("@typedef")) continue;
    for (const part of value.split(/@(?=typedef\b)/).slice(1)) read(part, found);
  }
  return found;
}

function read(text: string, found: Map<string, Typedef>): void {
  const lines = text.replace(/\n\s*\* ?/g, "\n");
  const head = splitType(lines.replace(/^typedef\s*/, ""));
  const name = /^\s*([\w$]+)/.exec(head.rest)?.[1];
  if (!name) return;
  const fields = lines
    .split(/@(?=prop(?:erty)?\b)/)
    .slice(1)
    .flatMap((field) => {
      const typed = splitType(field.replace(/^prop(?:erty)?\s*/, ""));
      const named = /^(\[?)([\w$]+)[^\s\]]*\]?\s*(?:-\s+)?([^@]*)/.exec(typed.rest);
      if (!named) return [];
      const [, bracket, key = "", words = ""] = named;
      const doc = words.trim().replace(/\s+/g, " ");
      const optional = bracket === "[" || typed.type.endsWith("=");
      return { name: key, type: typed.type.replace(/=$/, "") || "*", optional, doc };
    });
  found.set(name, { type: fields.length > 0 ? "" : head.type || "*", fields });
}
