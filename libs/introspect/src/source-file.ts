import { readFileSync, statSync } from "node:fs";
import { type DocComment, parseDocComment } from "./doc-comment.ts";
import {
  type Container,
  type FunctionIndex,
  type FunctionSite,
  indexFunctions,
} from "./function-index.ts";
import { indexModule, type ModuleIndex } from "./module-index.ts";
import { type Comment, type Node, type Parsed, parse } from "./parser.ts";

/** Most files kept parsed at once; the least recently opened leaves first. */
const FILES_MAX = 200;
/** Larger files are not read: they are bundles, and no author wrote them. */
const SIZE_MAX_BYTES = 4 * 1024 * 1024;

const kept = new Map<string, { stamp: string; file: SourceFile }>();

/** One parsed text and what stands in it. */
export class SourceFile {
  readonly path: string;
  readonly text: string;
  readonly #parsed: Parsed;
  #functions: FunctionIndex | undefined;
  #byChain: Map<string, FunctionSite[]> | undefined;
  readonly #docs = new Map<Comment, DocComment>();
  #module: ModuleIndex | undefined;
  #lines: number[] | undefined;

  /** @param path absolute; its ending chooses the language */
  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
    this.#parsed = parse(path, text);
  }

  /** The file of that path, parsed once for as long as it does not change; undefined without one. */
  static open(path: string): SourceFile | undefined {
    let stamp: string;
    try {
      const { mtimeMs, size } = statSync(path);
      if (size > SIZE_MAX_BYTES) return undefined;
      stamp = `${mtimeMs}:${size}`;
    } catch {
      return undefined;
    }
    const held = kept.get(path);
    kept.delete(path);
    const file =
      held?.stamp === stamp ? held.file : new SourceFile(path, readFileSync(path, "utf8"));
    kept.set(path, { stamp, file });
    for (const oldest of kept.keys()) {
      if (kept.size <= FILES_MAX) break;
      kept.delete(oldest);
    }
    return file;
  }

  get program(): Node {
    return this.#parsed.program;
  }

  get comments(): Comment[] {
    return this.#parsed.comments;
  }

  get hasErrors(): boolean {
    return this.#parsed.hasErrors;
  }

  get functions(): FunctionSite[] {
    this.#functions ??= indexFunctions(this.program);
    return this.#functions.functions;
  }

  get containers(): Container[] {
    this.#functions ??= indexFunctions(this.program);
    return this.#functions.containers;
  }

  /** Functions of one dotted chain of names: overloads and the implementation, namesakes too. */
  functionsOf(chain: readonly string[]): readonly FunctionSite[] {
    this.#byChain ??= Map.groupBy(this.functions, (site) => site.chain.join("."));
    return this.#byChain.get(chain.join(".")) ?? [];
  }

  /** Types, imports and exports. */
  get module(): ModuleIndex {
    this.#module ??= indexModule(this.program);
    return this.#module;
  }

  /** @returns line of an offset, counted from 1 */
  lineAt(offset: number): number {
    const starts = this.#lineStarts();
    let low = 0;
    for (let high = starts.length; high - low > 1; ) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** The innermost function whose head holds a position; lines and columns count from 0. */
  functionAt(line: number, column: number): FunctionSite | undefined {
    const start = this.#lineStarts()[line];
    if (start === undefined) return undefined;
    const offset = start + column;
    let best: FunctionSite | undefined;
    for (const site of this.functions) {
      if (site.isSignature || offset < site.headStart || offset > site.headEnd) continue;
      if (!best || site.headStart > best.headStart) best = site;
    }
    return best;
  }

  /** The class whose declaration begins at a position; lines and columns count from 0. */
  classAt(line: number, column: number): Container | undefined {
    const offset = (this.#lineStarts()[line] ?? Number.NaN) + column;
    return this.containers.find(
      ({ node }) => node.start === offset && node.type.startsWith("Class"),
    );
  }

  /** The doc comment in front of the first of some offsets that has one. */
  docBefore(anchors: readonly number[]): DocComment | undefined {
    for (const anchor of anchors) {
      const comment = this.#commentBefore(anchor);
      if (comment) return this.#parsedDoc(comment);
    }
    return undefined;
  }

  #parsedDoc(comment: Comment): DocComment {
    const held = this.#docs.get(comment) ?? parseDocComment(comment.value);
    this.#docs.set(comment, held);
    return held;
  }

  /** The comment about the whole file: `@packageDocumentation`, `@module`, or a first one that stands alone. */
  moduleDoc(): DocComment | undefined {
    const docs = this.comments.filter((comment) => isDoc(comment));
    const [first, second] = docs;
    const marked = docs.find(({ value }) =>
      /@(packageDocumentation|module|fileoverview|file)\b/.test(value),
    );
    if (marked) return parseDocComment(marked.value);
    if (!first || this.text.slice(0, first.start).replace(/^#!.*/, "").trim() !== "")
      return undefined;
    const after = this.text.slice(first.end, second?.start).trim();
    const alone =
      after === "" ? second !== undefined : /^(import\b|"use strict"|'use strict')/.test(after);
    return alone ? parseDocComment(first.value) : undefined;
  }

  #commentBefore(anchor: number): Comment | undefined {
    let end = anchor;
    for (let at = this.#commentsUpTo(anchor) - 1; at >= 0; at -= 1) {
      const comment = this.comments[at];
      if (!comment || this.text.slice(comment.end, end).trim() !== "") return undefined;
      if (isDoc(comment)) return comment;
      end = comment.start;
    }
    return undefined;
  }

  #commentsUpTo(offset: number): number {
    let low = 0;
    for (let high = this.comments.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.comments[middle]?.end ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #lineStarts(): number[] {
    if (!this.#lines) {
      this.#lines = [0];
      for (let at = this.text.indexOf("\n"); at >= 0; at = this.text.indexOf("\n", at + 1)) {
        this.#lines.push(at + 1);
      }
    }
    return this.#lines;
  }
}

function isDoc(comment: Comment): boolean {
  return comment.type === "Block" && comment.value.startsWith("*") && comment.value.trim() !== "*";
}
