import { readFileSync, realpathSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, resolve, sep } from "node:path";

/** What a specifier leads to. */
export type ModulePath = { kind: "file"; path: string } | { kind: "builtin"; name: string };

/** A package on disk. */
export interface Package {
  name: string;
  directory: string;
  manifest: Record<string, unknown>;
}

/** In the order of preference: what a program was started with comes first. */
const CONDITIONS = [
  ...startConditions(),
  "types",
  "import",
  "module-sync",
  "node",
  "require",
  "default",
];
const manifests = new Map<string, Package | undefined>();

/**
 * The file whose types a specifier means: the source or the declarations, never the JavaScript when
 * there is something better.
 *
 * @param from absolute path of the importing file
 */
export function resolveModule(from: string, specifier: string): ModulePath | undefined {
  if (isBuiltin(specifier)) return { kind: "builtin", name: specifier.replace(/^node:/, "") };
  const path = /^\.{0,2}\//.test(specifier)
    ? typedFile(resolve(dirname(from), specifier))
    : packageFile(dirname(from), specifier);
  return path === undefined ? undefined : { kind: "file", path };
}

/** The package a file belongs to: that of the nearest `package.json` with a name. */
export function packageOf(path: string): Package | undefined {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const found = readPackage(directory);
    if (found?.name) return found;
    if (directory === dirname(directory)) return undefined;
  }
}

/** The declarations of a package: its own, else those of `@types`. */
export function typesOf(owner: Package): string | undefined {
  const own = entries(owner, ".").find((path) => /\.d\.[cm]?ts$/.test(path));
  if (own) return own;
  const name = owner.name.replace(/^@(.*)\/(.*)$/, "$1__$2");
  const typed = findPackage(owner.directory, `@types/${name}`);
  return typed && entries(typed, ".").find((path) => /\.d\.[cm]?ts$/.test(path));
}

/** The declarations beside a JavaScript file. */
export function declarationBeside(path: string): string | undefined {
  const beside = path.replace(/\.([cm]?)jsx?$/, ".d.$1ts");
  return beside !== path && isFile(beside) ? beside : undefined;
}

/** A file of @types/node, looked for from some directories. */
export function nodeTypes(name: string, from: string[]): string | undefined {
  for (const directory of from) {
    const typed = findPackage(directory, "@types/node");
    const path = typed && join(typed.directory, `${name}.d.ts`);
    if (path && isFile(path)) return path;
  }
  return undefined;
}

/** True outside node_modules, links resolved: what the same people wrote. */
export function isOwn(path: string): boolean {
  return !path.includes(`${sep}node_modules${sep}`);
}

function packageFile(directory: string, specifier: string): string | undefined {
  const parts = specifier.split("/");
  const name = parts.splice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  const owner = findPackage(directory, name);
  return owner && entries(owner, ["." as string, ...parts].join("/"))[0];
}

function findPackage(directory: string, name: string): Package | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const found = readPackage(join(at, "node_modules", name)) ?? selfNamed(at, name);
    if (found) return found;
    if (at === dirname(at)) return undefined;
  }
}

function selfNamed(directory: string, name: string): Package | undefined {
  const own = readPackage(directory);
  return own?.name === name ? own : undefined;
}

function readPackage(directory: string): Package | undefined {
  if (manifests.has(directory)) return manifests.get(directory);
  let found: Package | undefined;
  try {
    const real = realpathSync.native(directory);
    const manifest: unknown = JSON.parse(readFileSync(join(real, "package.json"), "utf8"));
    if (isRecord(manifest)) {
      const name = typeof manifest["name"] === "string" ? manifest["name"] : "";
      found = { name, directory: real, manifest };
    }
  } catch {
    found = undefined; // no package here
  }
  manifests.set(directory, found);
  return found;
}

/** Existing typed files an entry of a package may mean, best first. */
function entries(owner: Package, subpath: string): string[] {
  const { manifest, directory } = owner;
  const targets: string[] = [];
  if (manifest["exports"] !== undefined) exported(manifest["exports"], subpath, targets);
  if (subpath === ".") {
    for (const key of ["types", "typings", "main"]) {
      if (typeof manifest[key] === "string") targets.push(manifest[key]);
    }
    targets.push("index.d.ts", "index.js");
  } else {
    targets.push(subpath);
  }
  const found = targets.map((target) => typedFile(join(directory, target)));
  return found.filter((path) => path !== undefined);
}

function exported(exports: unknown, subpath: string, targets: string[]): void {
  if (!isRecord(exports) || !Object.keys(exports).some((key) => key.startsWith("."))) {
    if (subpath === ".") leaves(exports, "", targets);
    return;
  }
  for (const [key, target] of Object.entries(exports)) {
    const [before = "", after] = key.split("*");
    if (key === subpath) leaves(target, "", targets);
    else if (after !== undefined && subpath.startsWith(before) && subpath.endsWith(after)) {
      leaves(target, subpath.slice(before.length, subpath.length - after.length), targets);
    }
  }
}

function leaves(target: unknown, star: string, targets: string[]): void {
  if (typeof target === "string") targets.push(target.replaceAll("*", star));
  else if (Array.isArray(target)) for (const each of target) leaves(each, star, targets);
  else if (isRecord(target)) {
    for (const condition of CONDITIONS) {
      if (condition in target) leaves(target[condition], star, targets);
    }
  }
}

/** The file itself when typed; the TypeScript or declarations for a JavaScript name; else the JavaScript. */
function typedFile(path: string): string | undefined {
  const script = /\.([cm]?)jsx?$/.exec(path);
  const stem = script ? path.slice(0, script.index) : path;
  const letter = script?.[1] ?? "";
  const candidates = script
    ? [`${stem}.${letter}ts`, `${stem}.d.${letter}ts`, `${stem}.tsx`, path]
    : [
        path,
        `${path}.ts`,
        `${path}.d.ts`,
        join(path, "index.ts"),
        join(path, "index.d.ts"),
        `${path}.js`,
      ];
  const found = candidates.find(isFile);
  return found && realpathSync.native(found);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The conditions this process was started with: `-C name`, `--conditions=name`. */
function startConditions(): string[] {
  const words = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/)];
  return words.flatMap((word, at) => {
    const equals = /^(?:-C|--conditions)=(.+)$/.exec(word)?.[1];
    const next = word === "-C" || word === "--conditions" ? words[at + 1] : undefined;
    return equals ?? next ?? [];
  });
}
