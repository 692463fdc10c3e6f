import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuiltinName } from "./builtin-names.ts";
import { declaredFunction } from "./declared-value.ts";
import type { Source } from "./description.ts";
import type { Container, FunctionSite } from "./function-index.ts";
import type { Location } from "./locate.ts";
import {
  declarationBeside,
  isOwn,
  nodeTypes,
  packageOf,
  resolveModule,
  typesOf,
} from "./module-path.ts";
import type { Script } from "./probe.ts";
import { SourceFile } from "./source-file.ts";

/** A function or class in the text that describes it. */
export interface Found<T extends Container = FunctionSite> {
  file: SourceFile;
  site: T;
  kind: Source["kind"];
}

/** What a function may be called. */
export interface FunctionNames {
  /** Segments under which its target has it. */
  path: readonly string[];
  /** What it calls itself; may be empty. */
  own: string;
}

/** Both texts that may describe a function. */
export interface FoundFunction {
  /** What runs: has the defaults. */
  implemented: Found | undefined;
  /** The `.d.ts`, when what runs is JavaScript: has the types. */
  declared: Found | undefined;
}

/** Most files of a package followed through `export *` in search of one declaration. */
const FOLLOWED_MAX = 60;

/** Where @types/node is looked for: with the program, then with this library. */
const typesFrom = () => [process.cwd(), dirname(fileURLToPath(import.meta.url))];

/** The path of a text that never was in a file. */
export const NO_FILE = "/script.js";

const scripts = new WeakMap<Script, SourceFile>();
const maps = new WeakMap<Script, SourceMap | null>();

/** The declaration of a function, from where the engine says it is. */
export function findFunction(location: Location, names: FunctionNames): FoundFunction {
  const builtin = /^node:(?:internal\/)?(.*)$/.exec(location.script.url)?.[1];
  if (builtin !== undefined)
    return { implemented: undefined, declared: findBuiltin(builtin, namesOf(names)) };
  const implemented = findImplemented(location);
  const path = implemented?.file.path ?? location.script.path;
  if (path === undefined || /\.[cm]?tsx?$/.test(path)) return { implemented, declared: undefined };
  return { implemented, declared: findDeclared(path, names, implemented?.site.chain) };
}

/** The declaration in @types/node of what a module of Node exports. */
export function findExported({ module, path }: BuiltinName): Found | undefined {
  for (const name of [module, module.replace(/\/.*$/, "")]) {
    const file = nodeTypes(name, typesFrom());
    const found = file && declaredFunction({ file, module }, path);
    if (found) return found;
  }
  return undefined;
}

function namesOf({ path, own }: FunctionNames): string[] {
  return [...new Set([path.at(-1) ?? "", own])].filter((name) => name !== "");
}

/** The declaration of a class, from where the engine says it is. */
export function findClass(location: Location, name: string): Found<Container> | undefined {
  const { path } = location.script;
  const disk = path === undefined ? undefined : original(location)?.file;
  const file = disk ?? scriptFile(location.script);
  const exact = sameText(location, file) ? file.classAt(location.line, location.column) : undefined;
  const isNamed = ({ node, chain }: Container) =>
    node.type.startsWith("Class") && chain.at(-1) === name;
  const site = exact ?? file.containers.find(isNamed);
  return site && { file, site, kind: disk ? "source" : "script" };
}

function findImplemented(location: Location): Found | undefined {
  const source = original(location);
  if (source && sameText(location, source.file)) {
    const site = source.file.functionAt(location.line, location.column);
    if (site) return { file: source.file, site, kind: "source" };
  }
  const script = scriptFile(location.script);
  const running = script.functionAt(location.line, location.column);
  if (!running) return undefined;
  const site = source && matchChain(source.file, running.chain, source.line);
  if (source && site) return { file: source.file, site, kind: "source" };
  return { file: script, site: running, kind: "script" };
}

/** The file as written: through the source map when it leads to one, else the script's own path. */
function original(location: Location): { file: SourceFile; line: number | undefined } | undefined {
  const { script } = location;
  if (script.path === undefined) return undefined;
  const entry = sourceMapOf(script)?.findEntry(location.line, location.column);
  if (entry && "originalSource" in entry) {
    const mapped = entry.originalSource.startsWith("file:")
      ? fileURLToPath(entry.originalSource)
      : resolve(dirname(script.path), entry.originalSource);
    const file = SourceFile.open(mapped);
    if (file) return { file, line: entry.originalLine + 1 };
  }
  const file = SourceFile.open(script.path);
  return file && { file, line: undefined };
}

function sourceMapOf(script: Script): SourceMap | undefined {
  const held = maps.get(script);
  if (held !== undefined) return held ?? undefined;
  let map: SourceMap | null = null;
  try {
    const text = sourceMapText(script);
    if (text) map = new SourceMap(JSON.parse(text) as SourceMapPayload);
  } catch {
    map = null; // a map that is gone or broken tells nothing; names still do
  }
  maps.set(script, map);
  return map ?? undefined;
}

function sourceMapText({ sourceMapUrl, path }: Script): string | undefined {
  if (sourceMapUrl === "" || path === undefined) return undefined;
  const data = /^data:[^,]*?(;base64)?,(.*)$/.exec(sourceMapUrl);
  if (data)
    return data[1]
      ? Buffer.from(data[2] ?? "", "base64").toString()
      : decodeURIComponent(data[2] ?? "");
  const file = sourceMapUrl.startsWith("file:")
    ? fileURLToPath(sourceMapUrl)
    : resolve(dirname(path), decodeURIComponent(sourceMapUrl));
  return readFileSync(file, "utf8");
}

function scriptFile(script: Script): SourceFile {
  const held = scripts.get(script);
  if (held) return held;
  const disk = script.path === undefined ? undefined : SourceFile.open(script.path);
  const path = (script.path ?? NO_FILE).replace(/\.([cm]?)tsx?$/, ".$1js");
  const file = disk?.text === script.text ? disk : new SourceFile(path, script.text);
  scripts.set(script, file);
  return file;
}

/** Type stripping blanks types out and keeps every other character where it was. */
function sameText({ script, line }: Location, file: SourceFile): boolean {
  if (file.text === script.text) return true;
  if (file.path !== script.path) return false;
  const run = script.text.split("\n");
  const written = file.text.split("\n");
  const [left, right] = [run[line], written[line]];
  if (run.length !== written.length || left === undefined || right === undefined) return false;
  return left.split("").every((unit, at) => /[\s;]/.test(unit) || unit === right[at]);
}

/** The function with the longest equal tail of names; between equals the one nearest to a line. */
function matchChain(file: SourceFile, chain: string[], line?: number): FunctionSite | undefined {
  const name = chain.at(-1);
  if (name === undefined || name === "") return undefined;
  const candidates = file.functions.filter((site) => site.chain.at(-1) === name);
  const score = (site: FunctionSite) => {
    const away = line === undefined ? 0 : Math.abs(file.lineAt(site.headStart) - line) / 1e6;
    const exact = site.chain.length === chain.length ? 0.5 : 0;
    return tail(site.chain, chain) + exact + (site.isSignature ? 0 : 0.25) - away;
  };
  const [best] = candidates.toSorted((one, other) => score(other) - score(one));
  if (!best) return undefined;
  const isSure = tail(best.chain, chain) >= Math.min(2, chain.length) || line !== undefined;
  const isOnly = new Set(candidates.map((site) => site.chain.join("."))).size === 1;
  return isSure || isOnly ? best : undefined;
}

function tail(one: string[], other: string[]): number {
  let length = 0;
  while (
    length < one.length &&
    length < other.length &&
    one.at(-1 - length) === other.at(-1 - length)
  )
    length += 1;
  return length;
}

function findDeclared(path: string, names: FunctionNames, chain?: string[]): Found | undefined {
  const chains = [...(chain ? [chain] : []), ...namesOf(names).map((name) => [name])];
  const owner = isOwn(path) ? undefined : packageOf(path);
  for (const entry of [declarationBeside(path), owner && typesOf(owner)]) {
    if (entry === undefined) continue;
    const found = declaredFunction({ file: entry }, names.path) ?? inDeclarations([entry], chains);
    if (found) return found;
  }
  return undefined;
}

/** Breadth first through what an entry passes on, since packages gather their exports in one file. */
function inDeclarations(queue: string[], chains: string[][]): Found | undefined {
  const seen = new Set(queue);
  for (let at = 0; at < queue.length && at < FOLLOWED_MAX; at += 1) {
    const file = SourceFile.open(queue[at] as string);
    if (!file) continue;
    for (const chain of chains) {
      const site = matchDeclared(file, chain);
      if (site) return { file, site, kind: "declaration" };
    }
    const { stars, exports, imports } = file.module;
    const named = [...exports.values(), ...imports.values()].flatMap((to) =>
      typeof to === "string" ? [] : to.from,
    );
    for (const specifier of [...stars, ...named]) {
      const next = resolveModule(file.path, specifier);
      if (next?.kind === "file" && !seen.has(next.path) && /\.d\.[cm]?ts$/.test(next.path)) {
        seen.add(next.path);
        queue.push(next.path);
      }
    }
  }
  return undefined;
}

/** Both names of a method must agree; a lone function may be exported under a default. */
function matchDeclared(file: SourceFile, chain: string[]): FunctionSite | undefined {
  const wanted = chain.at(-1);
  if (!wanted) return undefined;
  const same = file.functions.filter(
    (site) => site.chain.at(-1) === wanted && !site.chain.includes(""),
  );
  const exact = same.find((site) => site.chain.join(".") === chain.join("."));
  if (exact) return exact;
  return chain.length > 1
    ? same.find((site) => tail(site.chain, chain) >= 2)
    : same.find((site) => site.container === undefined);
}

function findBuiltin(url: string, names: string[]): Found | undefined {
  for (const name of [url, url.replace(/\/.*$/, "")]) {
    const path = nodeTypes(name, typesFrom());
    const found =
      path &&
      inDeclarations(
        [path],
        names.map((each) => each.split(".")),
      );
    if (found) return found;
  }
  return undefined;
}
