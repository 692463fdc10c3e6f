import { isBuiltin } from "node:module";
import { isProxy } from "node:util/types";

/** Where a module of Node exports a function. */
export interface BuiltinName {
  /** Without `node:`. */
  module: string;
  path: string[];
}

/** Objects within a module that are looked through: `path.posix`, `fs.promises`, `util.types`. */
const DEPTH_MAX = 2;

const known = new WeakMap<object, BuiltinName>();
const read = new Set<string>();
let looked = 0;

/**
 * Under which name a module of Node exports a function or itself; undefined for all others. Only
 * modules that this process has loaded are looked at, and no accessor is run.
 */
export function builtinNameOf(value: object): BuiltinName | undefined {
  const held = known.get(value);
  if (held) return held;
  for (const module of loadedModules()) {
    if (read.has(module)) continue;
    read.add(module);
    const exports: unknown = process.getBuiltinModule(module);
    if (isObject(exports)) collect(exports, { module, path: [] });
  }
  return known.get(value);
}

/** Public modules of Node that are loaded: the process keeps a list, `NativeModule fs`. */
function loadedModules(): string[] {
  const list: unknown = Reflect.get(process, "moduleLoadList");
  if (!Array.isArray(list) || list.length === looked) return [];
  looked = list.length;
  const lines = list.map(String);
  const names = lines.flatMap((line) => /^NativeModule (\w[\w/]*)$/.exec(line)?.[1] ?? []);
  names.push("fs/promises"); // `fs.promises` is there without it
  return names.filter((name) => !name.startsWith("internal/") && isBuiltin(`node:${name}`));
}

function collect(object: object, at: BuiltinName): void {
  if (!known.has(object)) known.set(object, at);
  for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
    if (typeof value !== "function" && !isObject(value)) continue;
    if (known.has(value)) continue;
    const name: BuiltinName = { module: at.module, path: [...at.path, key] };
    if (typeof value === "function") known.set(value, name);
    else if (name.path.length < DEPTH_MAX && isPlain(value)) collect(value, name);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !isProxy(value);
}

function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
