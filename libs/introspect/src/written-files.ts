import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Script } from "./probe.ts";

/** Files that scripts came from, each read once. */
export class WrittenFiles {
  readonly #scripts = new Map<string, Script | undefined>();

  /** The file of a URL as a script; undefined when there is no such file. */
  script(url: string | undefined): Script | undefined {
    if (url === undefined) return undefined;
    if (!this.#scripts.has(url)) this.#scripts.set(url, readScript(url));
    return this.#scripts.get(url);
  }
}

function readScript(url: string): Script | undefined {
  const path = pathOf(url);
  if (path === undefined) return undefined;
  try {
    const text = readFileSync(path, "utf8");
    const sourceMapUrl = /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(text.slice(-4_096))?.[1] ?? "";
    return { url, path, text, sourceMapUrl };
  } catch {
    return undefined; // gone since it was loaded; the engine still holds its text
  }
}

/** The path in the URL of a script; a test runner may have added a query to it. */
export function pathOf(url: string): string | undefined {
  const bare = url.replace(/[?#].*$/, "");
  if (bare.startsWith("file:")) return fileURLToPath(bare);
  return bare.startsWith("/") && existsSync(bare) ? bare : undefined;
}

/**
 * Whether a function's own text stands at a place of a file. Type stripping blanks types out, may
 * set a semicolon for safety, and keeps every other character where it was.
 *
 * @param at where the engine says it begins, counted from 0
 */
export function standsAt(fn: object, text: string, at: { line: number; column: number }): boolean {
  const own = Function.prototype.toString.call(fn);
  const offset = lineStart(text, at.line) + at.column;
  // The engine points at the `(` of a function, and at the first character of an arrow or a class.
  return [0, own.indexOf("(")].some((head) => head >= 0 && sameButBlanks(own, text, offset - head));
}

function sameButBlanks(own: string, text: string, start: number): boolean {
  if (start < 0 || start + own.length > text.length) return false;
  for (let at = 0; at < own.length; at += 1) {
    if (own.charCodeAt(at) === text.charCodeAt(start + at)) continue;
    if (!/[\s;]/.test(own.charAt(at))) return false;
  }
  return true;
}

function lineStart(text: string, line: number): number {
  let start = 0;
  for (let left = line; left > 0; left -= 1) {
    const next = text.indexOf("\n", start);
    if (next < 0) return Number.NaN;
    start = next + 1;
  }
  return start;
}
