/**
 * Checks that imports, package.json dependencies, tsconfig references and layers say the same:
 * a package may import what it depends on, from its own layer down, and nothing else.
 * Exit status 1 with a line for each breach.
 */
import { globSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly nx?: { readonly tags?: readonly string[] };
}

interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly layer: string;
}

const SCOPE = "@zeroplane/";
/** What may be imported at run time, by layer: lower ones, and one's own where it is listed. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "layer:0": [],
  "layer:1": ["layer:0"],
  "layer:2": ["layer:0", "layer:1"],
  "layer:3": ["layer:0", "layer:1", "layer:2"],
  "layer:app": ["layer:0", "layer:1", "layer:2", "layer:3"],
  "layer:tool": ["layer:0", "layer:1", "layer:2", "layer:3", "layer:app"],
};
/** Third-party packages of a library at run time; a further one needs an ADR. */
const BUDGET: Readonly<Record<string, RegExp>> = {
  "@zeroplane/link": /^(zeromq|@msgpack\/msgpack)$/,
  "@zeroplane/introspect": /^oxc-parser$/,
  "@zeroplane/rpc": /^$/,
  "@zeroplane/patterns": /^$/,
  "@zeroplane/tracing": /^@opentelemetry\//,
  "@zeroplane/runtime": /^(pino|zod)$/,
};
/** The only files that touch a raw socket; the bench compares with one. */
const ZEROMQ_ALLOWED =
  /^(libs\/link\/src\/(raw-socket\.ts|keys\.ts|traps\/.+)|tools\/bench\/src\/.+)$/;
const IMPORT = /^\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"]+)"\s*\)/g;

/** Any way to name the package as a module, types included. */
const ZEROMQ =
  /(?:\bfrom|\bimport\s*\(?|\brequire(?:\.resolve)?\s*\()\s*["'`](zeromq(?:\/[^"'`]*)?)["'`]/g;
const BUILT = ["**/node_modules/**", "**/dist/**"];

const problems: string[] = [];
const packages = findPackages();
for (const each of packages.values()) check(each);
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.stdout.write(`${packages.size} packages, ${problems.length} breaches\n`);
process.exitCode = problems.length > 0 ? 1 : 0;

function findPackages(): Map<string, Package> {
  const found = new Map<string, Package>();
  for (const file of globSync([
    "libs/*/package.json",
    "apps/*/package.json",
    "tools/*/package.json",
  ])) {
    const manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    const layer = manifest.nx?.tags?.[0] ?? "";
    if (layer in ALLOWED) found.set(manifest.name, { folder: dirname(file), manifest, layer });
    else if (!file.startsWith("tools/docs")) problems.push(`${file}: no layer among its nx tags`);
  }
  return found;
}

function check(each: Package): void {
  const { folder, manifest } = each;
  const runtime = { ...manifest.dependencies, ...manifest.optionalDependencies };
  const declared = { ...runtime, ...manifest.devDependencies };
  const used = new Set<string>();
  for (const file of globSync(`${folder}/**/*.{ts,tsx,mts,js,mjs,cjs}`, { exclude: BUILT })) {
    checkRawSockets(file);
  }
  for (const file of globSync(`${folder}/{src,test,bin,web}/**/*.{ts,tsx,js}`)) {
    if (file.includes("/fixtures/")) continue;
    for (const { name, isType } of importsOf(file)) {
      used.add(name);
      checkImport(each, { file, name, isType }, runtime, declared);
    }
  }
  for (const name of Object.keys(declared)) {
    if (name.startsWith(SCOPE) && !used.has(name))
      problems.push(`${folder}: ${name} is declared and not used`);
  }
  checkBudget(manifest);
  checkReferences(each, declared);
}

function checkRawSockets(file: string): void {
  if (ZEROMQ_ALLOWED.test(file)) return;
  for (const [, from = ""] of readFileSync(file, "utf8").matchAll(ZEROMQ)) {
    problems.push(`${file}: imports ${from}; only libs/link/src/raw-socket.ts may, use SafeSocket`);
  }
}

function importsOf(file: string): { name: string; isType: boolean }[] {
  const text = readFileSync(file, "utf8");
  const statics = [...text.matchAll(IMPORT)].map(([, type, from = ""]) => ({
    from,
    isType: !!type,
  }));
  const dynamics = [...text.matchAll(DYNAMIC)].map(([, from = ""]) => ({ from, isType: false }));
  return [...statics, ...dynamics]
    .filter(({ from }) => !from.startsWith(".") && !from.startsWith("node:"))
    .map(({ from, isType }) => ({ name: packageOf(from), isType }))
    .filter(({ name }) => !builtinModules.includes(name));
}

function packageOf(from: string): string {
  return from.split("/", from.startsWith("@") ? 2 : 1).join("/");
}

function checkImport(
  { manifest, layer }: Package,
  found: { readonly file: string; readonly name: string; readonly isType: boolean },
  runtime: object,
  declared: object,
): void {
  const { file, name, isType } = found;
  const isTest = /\.test\.ts$|\/test\//.test(file);
  if (name === manifest.name || (isTest && name === "vitest")) return;
  const target = packages.get(name);
  if (isType && target?.layer === "layer:app" && name in declared) return;
  if (!(name in (isTest || isType ? declared : runtime))) {
    problems.push(`${file}: imports ${name}, which its package.json does not declare`);
  }
  if (target !== undefined && !isTest && !ALLOWED[layer]?.includes(target.layer)) {
    problems.push(`${file}: ${layer} must not import ${name} of ${target.layer}`);
  }
}

function checkBudget({ name, dependencies = {} }: Manifest): void {
  const budget = BUDGET[name];
  for (const each of budget === undefined ? [] : Object.keys(dependencies)) {
    if (!each.startsWith(SCOPE) && !budget?.test(each))
      problems.push(`${name}: ${each} is over its budget`);
  }
}

function checkReferences({ folder, manifest }: Package, declared: object): void {
  const file = join(folder, "tsconfig.json");
  const { references = [] } = JSON.parse(readFileSync(file, "utf8")) as {
    references?: { path: string }[];
  };
  const referred = new Set(references.map(({ path }) => join(folder, path)));
  for (const name of Object.keys(declared)) {
    const target = packages.get(name);
    if (target !== undefined && !referred.delete(target.folder)) {
      problems.push(`${file}: no reference to ${target.folder}, which ${manifest.name} depends on`);
    }
  }
  for (const rest of referred) problems.push(`${file}: refers to ${rest}, which is no dependency`);
}
