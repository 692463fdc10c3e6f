import type { Doc } from "./description.ts";

/** Types a JavaScript author wrote into a doc comment, as TypeScript text. */
export interface DocTypes {
  params: Record<string, { type: string; optional: boolean; default?: string }>;
  returns?: string;
}

/** A parsed doc comment: its words, and its types when it has any. */
export interface DocComment {
  doc: Doc;
  types: DocTypes;
  /** True when the comment asks for the parent's words. */
  inherits: boolean;
}

interface Block {
  tag: string;
  text: string;
}

/**
 * Parses a doc comment as TSDoc, with the types of JSDoc.
 *
 * @param comment what stands between the comment's delimiters, with the star at each line
 */
export function parseDocComment(comment: string): DocComment {
  const blocks = split(clean(comment));
  const doc = emptyDoc();
  const types: DocTypes = { params: {} };
  for (const block of blocks) take(block, doc, types);
  const inherits = /\{@inheritdoc\b/i.test(comment) || "inheritdoc" in doc.tags;
  return { doc, types, inherits };
}

/** A doc with nothing in it. */
export function emptyDoc(): Doc {
  return {
    summary: "",
    description: "",
    params: {},
    returns: "",
    throws: [],
    examples: [],
    tags: {},
  };
}

/** True when no word is in it. */
export function isEmptyDoc(doc: Doc): boolean {
  if (doc.summary || doc.description || doc.returns || doc.deprecated !== undefined) return false;
  return [doc.params, doc.throws, doc.examples, doc.tags].every(
    (each) => Object.keys(each).length === 0,
  );
}

/** Without the stars in front, trailing blanks, and blank lines around. */
function clean(comment: string): string {
  return comment
    .replace(/^\*+/, "")
    .split(/\r?\n/)
    .map((line, index) => (index === 0 ? line.trim() : line.replace(/^\s*\*? ?/, "").trimEnd()))
    .join("\n")
    .trim();
}

/** Cuts at every tag that opens a line, but not inside a code fence. */
function split(text: string): Block[] {
  const blocks: Block[] = [{ tag: "", text: "" }];
  let fenced = false;
  for (const line of text.split("\n")) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced;
    const tag = fenced ? null : /^\s*@([a-zA-Z][\w-]*)[ \t]*(.*)$/.exec(line);
    if (tag) blocks.push({ tag: tag[1] ?? "", text: tag[2] ?? "" });
    else (blocks[blocks.length - 1] as Block).text += `\n${line}`;
  }
  return blocks.map((block) => ({ tag: block.tag, text: block.text.replace(/^\n+|\s+$/g, "") }));
}

function take({ tag, text }: Block, doc: Doc, types: DocTypes): void {
  switch (tag) {
    case "":
    case "summary":
    case "desc":
    case "description":
      return takeText(text, doc);
    case "remarks":
      doc.description = paragraphs(doc.description, inline(text));
      return;
    case "param":
    case "arg":
    case "argument":
      return takeParam(text, doc, types);
    case "return":
    case "returns":
    case "yields":
    case "yield": {
      const typed = splitType(text);
      if (typed.type && (tag.startsWith("return") || !types.returns)) types.returns = typed.type;
      doc.returns ||= inline(typed.rest.replace(/^- /, ""));
      return;
    }
    case "throws":
    case "throw":
    case "exception": {
      const typed = splitType(text);
      doc.throws.push([typed.type ? `\`${typed.type}\`` : "", inline(typed.rest)].join(" ").trim());
      return;
    }
    case "example":
      doc.examples.push(text.replace(/^<caption>(.*?)<\/caption>/, "$1"));
      return;
    case "deprecated":
      doc.deprecated = inline(text);
      return;
    default: {
      const list = Object.hasOwn(doc.tags, tag) ? doc.tags[tag] : undefined;
      if (list) list.push(inline(text));
      else
        defineOwn(doc.tags, tag.toLowerCase() === "inheritdoc" ? "inheritdoc" : tag, [
          inline(text),
        ]);
    }
  }
}

function takeText(text: string, doc: Doc): void {
  const [first = "", ...rest] = inline(text).split(/\n\s*\n/);
  if (doc.summary === "") doc.summary = first.replace(/\s*\n\s*/g, " ");
  else doc.description = paragraphs(doc.description, first);
  doc.description = paragraphs(doc.description, rest.join("\n\n"));
}

function takeParam(text: string, doc: Doc, types: DocTypes): void {
  const typed = splitType(text);
  const named = /^(\[[^\]]*\]|[\w$.[\]]+)\s*(?:-\s+)?([\s\S]*)$/.exec(typed.rest);
  if (!named) return;
  const [, written = "", words = ""] = named;
  const [name = "", value] = written.replace(/^\[|\]$/g, "").split(/\s*=\s*/);
  if (name.includes(".") && words === "") return;
  defineOwn(doc.params, name, inline(words));
  if (!typed.type) return;
  const optional = written.startsWith("[") || typed.type.endsWith("=");
  const type = typed.type.replace(/=$/, "");
  const entry = value === undefined ? { type, optional } : { type, optional, default: value };
  defineOwn(types.params, name, entry);
}

/** Cuts `{type} rest` in two; the braces of the type may nest. */
export function splitType(text: string): { type: string; rest: string } {
  if (!text.startsWith("{") || text.startsWith("{@")) return { type: "", rest: text };
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (depth === 0) return { type: text.slice(1, at).trim(), rest: text.slice(at + 1).trim() };
  }
  return { type: "", rest: text };
}

/** `{@link}` becomes the words a reader is meant to see. */
function inline(text: string): string {
  return text
    .replace(
      /\{@(?:link|linkcode|linkplain|see)\s+([^}|\s]+)\s*(?:\|\s*|\s+)?([^}]*)\}/g,
      (_, to, label) => {
        const words = String(label).trim();
        if (/^https?:/.test(to)) return words ? `[${words}](${to})` : `<${to}>`;
        return words || `\`${to}\``;
      },
    )
    .replace(/\{@inheritdoc[^}]*\}/gi, "")
    .replace(/\{@(?:code|literal)\s+([^}]*)\}/g, "`$1`")
    .trim();
}

function paragraphs(...parts: string[]): string {
  return parts.filter((part) => part.trim() !== "").join("\n\n");
}

/** Sets a key that may be `__proto__`, since the author chooses it. */
function defineOwn<T>(record: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(record, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}
