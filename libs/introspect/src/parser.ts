import { createRequire } from "node:module";
import type * as Oxc from "oxc-parser";
import type { Comment, Node, ParserOptions } from "oxc-parser";

export type { Class, Comment, Node } from "oxc-parser";

/** A parsed text. */
export interface Parsed {
  program: Node;
  comments: Comment[];
  hasErrors: boolean;
}

let loaded: typeof Oxc | undefined;

/** oxc-parser, loaded when a text is first parsed, so that only serving costs nothing. */
function oxc(): typeof Oxc {
  loaded ??= createRequire(import.meta.url)("oxc-parser") as typeof Oxc;
  return loaded;
}

/**
 * Parses TypeScript or JavaScript; a broken text gives what could be read of it.
 *
 * @param path its ending chooses the language
 */
export function parse(path: string, text: string): Parsed {
  let last: Parsed | undefined;
  for (const options of optionsFor(path)) {
    const result = oxc().parseSync(path, text, options);
    last = {
      program: result.program,
      comments: result.comments,
      hasErrors: result.errors.length > 0,
    };
    if (!last.hasErrors || result.program.body.length > 0) return last;
  }
  return last as Parsed;
}

function optionsFor(path: string): ParserOptions[] {
  if (/\.d\.[cm]?ts$/.test(path)) return [{ lang: "dts" }];
  if (/\.[cm]?tsx?$/.test(path)) return [{}];
  return [
    { lang: "jsx", sourceType: "unambiguous" },
    { lang: "js", sourceType: "commonjs" },
  ];
}

/** The nodes right under a node, in the order of the text. */
export function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (const key of oxc().visitorKeys[node.type] ?? []) {
    const value = (node as unknown as Record<string, unknown>)[key];
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === "object" && child !== null && "type" in child) {
        children.push(child as Node);
      }
    }
  }
  return children;
}

/** Calls `visit` for a node and all below it; a node for which it returns false is not entered. */
export function walk(node: Node, visit: (node: Node) => boolean | void): void {
  if (visit(node) === false) return;
  for (const child of childrenOf(node)) walk(child, visit);
}
