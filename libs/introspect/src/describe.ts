import { basename } from "node:path";
import { isModuleNamespaceObject } from "node:util/types";
import { builtinNameOf } from "./builtin-names.ts";
import { describeGetters } from "./describe-getters.ts";
import { type DescribeContext, describeMethod } from "./describe-method.ts";
import type { Description, Doc } from "./description.ts";
import { findClass, findFunction } from "./find-source.ts";
import { type Location, locate } from "./locate.ts";
import { accessors, isBuiltinPrototype, type Member, members } from "./members.ts";
import { isOwn, packageOf } from "./module-path.ts";
import { NamedTypes } from "./named-types.ts";
import type { Script } from "./probe.ts";
import { WRAPPERS_MAX, type Wrapped, wrappedBy } from "./wrapped.ts";

/** How to describe. */
export interface DescribeOptions {
  /** Default: the name of the class, function or module. */
  name?: string;
  /** Directory that file names are relative to. Default: the working directory. */
  root?: string;
}

/**
 * Describes what a server would serve of a target: names, docs, parameters, types and places, read
 * from the source of the very functions. Nothing of the target is run; a function whose source is
 * gone is described by what it tells itself, and says so in `source.kind`.
 *
 * @param target an object, class instance, function or module namespace
 * @throws what {@link members} throws
 */
export async function describe(
  target: unknown,
  options: DescribeOptions = {},
): Promise<Description> {
  const served = [...members(target).values()];
  const parents = new Map(served.map((member) => [member, parentsOf(member)]));
  const groups = groupsOf(target, served);
  const unserved = accessors(target);
  // What Node exports is found by its name; to look for its source would cost much and find nothing.
  const written = builtinModuleOf(target) === undefined ? served.map(({ fn }) => fn) : [];
  const wrapped = allWrapped(written);
  const located = locate([
    ...written,
    ...[...wrapped.values()].map(({ fn }) => fn),
    ...unserved.map(({ get }) => get),
    ...[...parents.values()].flat(),
    ...[...groups.values()].flatMap((group) => classOf(group) ?? []),
  ]);
  const root = options.root ?? process.cwd();
  const context: DescribeContext = { located, wrapped, types: new NamedTypes(), root };
  const methods = served.map((member) => {
    const subject = { member, parents: parents.get(member) ?? [] };
    return [member.name, describeMethod(subject, context)] as const;
  });
  const getters = describeGetters(unserved, context);
  const { "": doc = null, ...nested } = docsOf(groups, served, located);
  return {
    version: 1,
    name: options.name ?? nameOf(target, served, located),
    doc,
    groups: nested,
    methods: Object.fromEntries(methods),
    ...(unserved.length > 0 && { getters }),
    types: Object.fromEntries(context.types.texts),
  };
}

function docsOf(
  groups: ReadonlyMap<string, object>,
  served: Member[],
  located: Map<object, Location>,
): Record<string, Doc> {
  const docs = [...groups].flatMap(([path, group]) => {
    const within = served.filter(({ owner }) => owner === group);
    const doc = docOf(group, within, located);
    return doc ? [[path, doc] as const] : [];
  });
  return Object.fromEntries(docs);
}

/** What members wrap, what that wraps, and so on. */
function allWrapped(functions: readonly object[]): Map<object, Wrapped> {
  const all = new Map<object, Wrapped>();
  let level = functions;
  for (let depth = 0; depth < WRAPPERS_MAX && level.length > 0; depth += 1) {
    const found = wrappedBy(level);
    for (const [fn, wrapped] of found) all.set(fn, wrapped);
    level = [...found.values()].map(({ fn }) => fn);
  }
  return all;
}

const NAMELESS = { path: [], own: "" };

/** Functions of the same name further up, nearest first: where an override finds its words. */
function parentsOf({ owner, path, fn }: Member): object[] {
  const key = path.at(-1) ?? "";
  const found: object[] = [];
  for (
    let level = owner;
    level && !isBuiltinPrototype(level);
    level = Object.getPrototypeOf(level)
  ) {
    const value = Object.getOwnPropertyDescriptor(level, key)?.value;
    if (typeof value === "function" && value !== fn) found.push(value);
  }
  return found;
}

/** The objects that own members, by dotted path; the target is at the empty path. */
function groupsOf(target: unknown, served: Member[]): Map<string, object> {
  const groups = new Map<string, object>();
  if (typeof target === "object" && target) groups.set("", target);
  for (const { owner, path } of served) {
    if (owner) groups.set(path.slice(0, -1).join("."), owner);
  }
  return groups;
}

function classOf(object: object): object | undefined {
  const prototype: object | null = Object.getPrototypeOf(object);
  if (!prototype || isBuiltinPrototype(prototype)) return undefined;
  const made = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  return typeof made === "function" ? made : undefined;
}

/** The words of a class; of an object literal's variable; of a module. */
function docOf(group: object, served: Member[], located: Map<object, Location>): Doc | undefined {
  const made = classOf(group);
  const at = made && located.get(made);
  if (made && at) {
    const found = findClass(at, classNameOf(made));
    return found?.file.docBefore(found.site.anchors)?.doc;
  }
  if (made) return undefined;
  const homes = served.flatMap(({ fn }) => {
    const location = located.get(fn);
    const found = location && findFunction(location, NAMELESS).implemented;
    return found ? [found] : [];
  });
  const [first] = homes;
  if (!first) return undefined;
  const shared = first.site.container;
  if (shared && homes.every(({ site }) => site.container === shared)) {
    return first.file.docBefore(shared.anchors)?.doc ?? first.file.moduleDoc()?.doc;
  }
  return homes.every(({ file }) => file === first.file) ? first.file.moduleDoc()?.doc : undefined;
}

function nameOf(target: unknown, served: Member[], located: Map<object, Location>): string {
  const builtin = builtinModuleOf(target);
  if (builtin !== undefined) return builtin;
  if (typeof target === "function") return served[0]?.name ?? "service";
  const made = typeof target === "object" && target ? classOf(target) : undefined;
  if (made) return classNameOf(made);
  const isWritten = ({ fn }: Member) => located.get(fn)?.script.path !== undefined;
  const first = served.find(isWritten) ?? served[0];
  const location = first && located.get(first.fn);
  const chain = location && findFunction(location, NAMELESS).implemented?.site.container?.chain;
  const held = chain?.findLast((name) => name !== "default" && name !== "");
  const paths = new Set(served.flatMap(({ fn }) => located.get(fn)?.script.path ?? []));
  const [path = ""] = paths;
  if (held === undefined && paths.size > 1) return packageOf(path)?.name ?? "service";
  return held ?? moduleName(location?.script) ?? "service";
}

/** `fs/promises` for that module of Node, imported or required. */
function builtinModuleOf(target: unknown): string | undefined {
  if (typeof target !== "object" || target === null) return undefined;
  const whole = isModuleNamespaceObject(target)
    ? Object.getOwnPropertyDescriptor(target, "default")?.value
    : target;
  const name = typeof whole === "object" && whole ? builtinNameOf(whole) : undefined;
  return name && [name.module, ...name.path].join(".");
}

/** A file's name; the package's for its index and for what others wrote; `fs` for `node:fs`. */
function moduleName(script: Script | undefined): string | undefined {
  if (script?.path === undefined) return /^node:(?:internal\/)?(\w+)/.exec(script?.url ?? "")?.[1];
  const file = basename(script.path).replace(/\..*$/, "");
  return isOwn(script.path) && file !== "index" ? file : packageOf(script.path)?.name;
}

function classNameOf(made: object): string {
  const name = Object.getOwnPropertyDescriptor(made, "name")?.value;
  return typeof name === "string" && name !== "" ? name : "service";
}
