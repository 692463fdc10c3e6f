import { functionText } from "./function-text.ts";
import { captured } from "./locate.ts";
import { type Node, walk } from "./parser.ts";

/** A function that another one passes its arguments on to. */
export interface Wrapped {
  fn: object;
  /** What the wrapper makes of it: nothing, a promise of a callback, a callback of a promise. */
  how: "forward" | "promisify" | "callbackify";
}

/** Most wrappers around one function that are looked through. */
export const WRAPPERS_MAX = 4;

const known = new WeakMap<object, Wrapped | null>();

/**
 * What some functions pass all of their arguments on to, where that can be known without running
 * them: `(...args) => fn(...args)`, `fn.apply(this, arguments)`, `util.promisify(fn)`,
 * `util.callbackify(fn)`, `util.deprecate(fn)`. The engine tells what `fn` is in the closure.
 */
export function wrappedBy(functions: readonly object[]): Map<object, Wrapped> {
  const asked = new Map<object, Forward>();
  for (const fn of functions) {
    if (known.has(fn)) continue;
    known.set(fn, null);
    const forward = forwardOf(fn);
    if (forward) asked.set(fn, forward);
  }
  const names = new Map([...asked].map(([fn, { name }]) => [fn, name]));
  for (const [fn, inner] of names.size > 0 ? captured(names) : []) {
    const how = asked.get(fn)?.how ?? "forward";
    if (inner !== fn) known.set(fn, { fn: inner, how });
  }
  const found = new Map<object, Wrapped>();
  for (const fn of functions) {
    const held = known.get(fn);
    if (held) found.set(fn, held);
  }
  return found;
}

interface Forward {
  /** The variable that holds what is called. */
  name: string;
  how: Wrapped["how"];
}

/** A head that takes anything: no parameters, or one rest parameter. */
const ANYTHING = /^(?:async\s+)?(?:function\s*\w*\s*)?\(\s*(?:\.\.\.\s*\w+\s*)?\)/;

function forwardOf(fn: object): Forward | undefined {
  const text = Function.prototype.toString.call(fn);
  if (!ANYTHING.test(text) || !/\.\.\.|\bargs\b|\barguments\b/.test(text)) return undefined;
  const found = functionText(fn);
  if (!found) return undefined;
  const [rest] = found.site.node.params as readonly Node[];
  const isRest = rest?.type === "RestElement" && rest.argument.type === "Identifier";
  const list = isRest && rest.argument.type === "Identifier" ? rest.argument.name : "arguments";
  const names = new Set<string>();
  walk(found.site.node, (node) => {
    const name = node.type === "CallExpression" ? calledWith(node, list) : undefined;
    if (name !== undefined) names.add(name);
  });
  const [name] = names;
  return name !== undefined && names.size === 1 ? { name, how: howOf(text) } : undefined;
}

/** What Node's own wrappers do, and those that are written like them. */
function howOf(text: string): Wrapped["how"] {
  if (text.startsWith("function callbackified(")) return "callbackify";
  return /\bnew Promise\b/.test(text) && /\berr(or)?\b/.test(text) ? "promisify" : "forward";
}

type Call = Extract<Node, { type: "CallExpression" }>;

/** The name of a function that is called with the whole list, in any of the ways to do that. */
function calledWith({ callee, arguments: given }: Call, list: string): string | undefined {
  const nameOf = (node: Node | undefined) => (node?.type === "Identifier" ? node.name : undefined);
  const isSpread = given.some(
    (each) => each.type === "SpreadElement" && nameOf(each.argument) === list,
  );
  if (callee.type === "Identifier" && isSpread) return callee.name;
  const isReflect = /^(Reflect\.apply|ReflectApply)$/.test(
    callee.type === "MemberExpression"
      ? `${nameOf(callee.object)}.${nameOf(callee.property)}`
      : (nameOf(callee) ?? ""),
  );
  const last = given.at(isReflect ? 2 : 1);
  const isList = nameOf(last) === list || isArrayOf(last, list);
  if (isReflect) return isList ? nameOf(given[0]) : undefined;
  if (callee.type !== "MemberExpression") return undefined;
  const way = nameOf(callee.property);
  const isWhole = (way === "apply" && isList) || (way === "call" && isSpread);
  return isWhole ? nameOf(callee.object) : undefined;
}

/** `[...args, callback]` */
function isArrayOf(node: Node | undefined, list: string): boolean {
  if (node?.type !== "ArrayExpression") return false;
  return node.elements.some(
    (each) =>
      each?.type === "SpreadElement" &&
      each.argument.type === "Identifier" &&
      each.argument.name === list,
  );
}
