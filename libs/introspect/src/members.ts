import { EventEmitter } from "node:events";
import stream from "node:stream";
import { isModuleNamespaceObject, isProxy } from "node:util/types";
import { IntrospectError } from "./errors.ts";

/** Most members one target may have. */
export const MEMBERS_MAX = 1_000;
/** Most segments in a dotted name; what lies deeper is not served. */
export const DEPTH_MAX = 4;

/** A function that a server serves. */
export interface Member {
  /** Dotted name, as a caller writes it. */
  name: string;
  /** The function itself. */
  fn: (...args: never[]) => unknown;
  /** What `this` is in a call; undefined when the target is a function itself. */
  owner: object | undefined;
  /** The segments of `name`. */
  path: string[];
}

const HIDDEN = new Set(["constructor", "then", "toJSON", "toString", "valueOf", "inspect"]);

interface Walk {
  found: Map<string, Member>;
  /** Objects from the target down to here: what makes cycles safe. */
  trail: object[];
  path: string[];
}

/**
 * The members a server serves of a target, by dotted name. Nothing of the target is run: accessors
 * are left out (but those of a module namespace, which are its export bindings).
 *
 * Served are own and inherited methods and functions in nested plain objects and instances; not
 * served are classes, symbols, `#private`, names that begin with `_` or `$`, `constructor`, `then`,
 * `toJSON`, `toString`, `valueOf`, `inspect`, and what built-in classes bring along.
 *
 * @param target an object, class instance, function or module namespace
 * @throws `ERR_INTROSPECT_TARGET` for a class, a proxy or a primitive; `ERR_INTROSPECT_LIMIT` over
 * {@link MEMBERS_MAX} members
 */
export function members(target: unknown): Map<string, Member> {
  const found = new Map<string, Member>();
  if (typeof target === "function") {
    refuseClass(target);
    add(found, { fn: target as Member["fn"], owner: undefined, path: [ownName(target)] });
    return found;
  }
  if (typeof target !== "object" || target === null || isProxy(target)) {
    throw new IntrospectError(
      "ERR_INTROSPECT_TARGET",
      `cannot serve ${isProxy(target) ? "a Proxy" : String(target)}; give an object, an instance, a function or a module`,
    );
  }
  collect(requiredOf(target) ?? target, { found, trail: [], path: [] });
  if (found.size > 0 || !isModule(target)) return found;
  const fallback = valueOf(target, "default");
  return fallback === undefined || fallback === null ? found : members(fallback);
}

/** What an imported CommonJS module exports: its names are guessed at import, and some are missed. */
function requiredOf(target: object): object | undefined {
  const exports = isModuleNamespaceObject(target) ? valueOf(target, "module.exports") : undefined;
  return isGroup(exports) ? exports : undefined;
}

/** A getter of a target, which is never run. */
export interface Accessor {
  name: string;
  get: Member["fn"];
  owner: object;
}

/** The getters of a target's own classes and of itself that a caller might look for. */
export function accessors(target: unknown): Accessor[] {
  const found = new Map<string, Accessor>();
  if (typeof target !== "object" || target === null || isModule(target)) return [];
  let level: object | null = target;
  while (level && !isProxy(level) && !isBuiltinPrototype(level) && found.size < MEMBERS_MAX) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      const get: unknown = Reflect.get(property, "get");
      if (!get || isHidden(name) || found.has(name)) continue;
      found.set(name, { name, get: get as Member["fn"], owner: target });
    }
    level = Object.getPrototypeOf(level);
  }
  return [...found.values()];
}

/** True for a function whose source starts with `class`. */
export function isClass(value: unknown): boolean {
  return (
    typeof value === "function" && /^(class\b|@)/.test(Function.prototype.toString.call(value))
  );
}

/** True when the prototype belongs to the language or to Node, so that its methods are not served. */
export function isBuiltinPrototype(prototype: object): boolean {
  if (prototype === EventEmitter.prototype || prototype === EventTarget.prototype) return true;
  const made = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  if (typeof made !== "function") return false;
  if (Function.prototype.toString.call(made).includes("[native code]")) return true;
  return NODE_CLASSES.has(made);
}

const NODE_CLASSES = new Set<unknown>([
  stream.Stream,
  stream.Readable,
  stream.Writable,
  stream.Duplex,
  stream.Transform,
  stream.PassThrough,
]);

/** The value of an own data property; of a module's export binding too. */
function valueOf(object: object, key: string): unknown {
  try {
    const property = Object.getOwnPropertyDescriptor(object, key);
    if (property?.get && isModule(object)) return property.get.call(object);
    return property?.value;
  } catch {
    return undefined; // a binding still in its dead zone
  }
}

function isModule(object: object): boolean {
  if (isModuleNamespaceObject(object)) return true;
  const own = (key: PropertyKey) => Object.getOwnPropertyDescriptor(object, key)?.value;
  return own(Symbol.toStringTag) === "Module" || own("__esModule") === true;
}

function collect(object: object, walk: Walk): void {
  const seen = new Set<string>(isModule(object) ? ["default", "module.exports"] : []);
  let level: object | null = object;
  while (level && !isProxy(level) && !isBuiltinPrototype(level)) {
    for (const key of Object.getOwnPropertyNames(level)) {
      if (seen.has(key) || isHidden(key)) continue;
      seen.add(key);
      const own = level === object;
      if (own && !Object.prototype.propertyIsEnumerable.call(object, key) && !isModule(object))
        continue;
      visit(object, { key, value: valueOf(level, key), own }, walk);
    }
    level = Object.getPrototypeOf(level);
  }
}

function visit(owner: object, at: { key: string; value: unknown; own: boolean }, walk: Walk): void {
  const path = [...walk.path, at.key];
  if (typeof at.value === "function") {
    if (!isClass(at.value)) add(walk.found, { fn: at.value as Member["fn"], owner, path });
  } else if (at.own && path.length < DEPTH_MAX && isGroup(at.value)) {
    const trail = [...walk.trail, owner];
    if (!trail.includes(at.value)) collect(at.value, { found: walk.found, trail, path });
  }
}

function add(found: Map<string, Member>, member: Omit<Member, "name">): void {
  if (found.size >= MEMBERS_MAX) {
    throw new IntrospectError(
      "ERR_INTROSPECT_LIMIT",
      `more than ${MEMBERS_MAX} members, the last "${member.path.join(".")}"; serve a smaller object`,
    );
  }
  const name = member.path.join(".");
  found.set(name, { name, ...member });
}

function isHidden(key: string): boolean {
  return HIDDEN.has(key) || key === "" || /^[_$]|\./.test(key);
}

/** Plain objects, modules and instances of written classes; nothing the platform made. */
function isGroup(value: unknown): value is object {
  if (typeof value !== "object" || value === null || isProxy(value) || isEmitter(value))
    return false;
  if (isModule(value)) return true;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return true;
  return !inheritsNative(prototype);
}

/** An array, map, date, buffer, promise or a class on top of one. */
function inheritsNative(prototype: object): boolean {
  let level: object | null = prototype;
  while (level && Object.getPrototypeOf(level) !== null) {
    if (isProxy(level) || isBuiltinPrototype(level)) return true;
    level = Object.getPrototypeOf(level);
  }
  return false;
}

function isEmitter(value: object): boolean {
  return value instanceof EventEmitter || value instanceof EventTarget;
}

function refuseClass(target: object): void {
  if (!isClass(target)) return;
  const name = ownName(target);
  throw new IntrospectError(
    "ERR_INTROSPECT_TARGET",
    `${name} is a class, not a service; serve an instance: new ${name}(...)`,
  );
}

function ownName(fn: object): string {
  const name = Object.getOwnPropertyDescriptor(fn, "name")?.value;
  return typeof name === "string" && name !== "" ? name.replace(/^bound /, "") : "call";
}
