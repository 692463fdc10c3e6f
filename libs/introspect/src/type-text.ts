import { type Comment, type Node, walk } from "./parser.ts";

/** A replacement in a text. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** A span of a text and the comments in that text. */
export interface Excerpt {
  text: string;
  comments: readonly Comment[];
  start: number;
  end: number;
}

/** The span with edits done; of overlapping edits the outermost wins. */
export function applyEdits(excerpt: Excerpt, edits: readonly Edit[]): string {
  let at = excerpt.start;
  let out = "";
  for (const edit of edits.toSorted(
    (one, other) => one.start - other.start || other.end - one.end,
  )) {
    if (edit.start < at || edit.end > excerpt.end) continue;
    out += excerpt.text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + excerpt.text.slice(at, excerpt.end);
}

/** The span on one line, without comments. */
export function oneLine(excerpt: Excerpt, edits: readonly Edit[], node?: Node): string {
  const { start, end } = excerpt;
  const inside = excerpt.comments.filter((comment) => comment.start >= start && comment.end <= end);
  const blanks = inside.map((comment) => ({ start: comment.start, end: comment.end, text: " " }));
  const separators = node ? separatorEdits(node, excerpt.text) : [];
  return collapse(applyEdits(excerpt, [...edits, ...blanks, ...separators]));
}

/** The span as its author laid it out, moved to the left margin. */
export function asWritten(excerpt: Excerpt, edits: readonly Edit[]): string {
  const lineStart = excerpt.text.lastIndexOf("\n", excerpt.start - 1) + 1;
  const indent = /^[ \t]*/.exec(excerpt.text.slice(lineStart, excerpt.start))?.[0] ?? "";
  const text = applyEdits(excerpt, edits).replaceAll("\r\n", "\n");
  return indent === "" ? text : text.replaceAll(`\n${indent}`, "\n");
}

/** Members that a line break ended need a semicolon on one line. */
function separatorEdits(node: Node, text: string): Edit[] {
  const edits: Edit[] = [];
  walk(node, (inner) => {
    const members =
      inner.type === "TSTypeLiteral"
        ? inner.members
        : inner.type === "TSInterfaceBody"
          ? inner.body
          : [];
    for (const member of members.slice(0, -1)) {
      const separated =
        /[;,]$/.test(text.slice(member.start, member.end)) ||
        /^\s*[;,]/.test(text.slice(member.end));
      if (!separated) edits.push({ start: member.end, end: member.end, text: ";" });
    }
  });
  return edits;
}

/** One blank for any white space, but what quotes hold stays. */
export function collapse(text: string): string {
  const quoted = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\s+/g;
  return text
    .replace(quoted, (_, quote: string | undefined) => quote ?? " ")
    .trim()
    .replace(/^\| /, "")
    .replace(/([<([]) /g, "$1")
    .replace(/,? ([)\]>])(?![=>])/g, "$1");
}
