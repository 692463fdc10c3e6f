import { IntrospectError } from "./errors.ts";
import { nearest } from "./nearest.ts";

const NEAR_MAX = 3;
const LISTED_MAX = 10;

/** A doc comment, read as TSDoc. Texts are Markdown; absent tags are empty. */
export interface Doc {
  /** The first paragraph. */
  summary: string;
  /** What follows the first paragraph, and `@remarks`. */
  description: string;
  /** Text of every `@param`, by name. */
  params: Record<string, string>;
  returns: string;
  /** One entry for each `@throws`. */
  throws: string[];
  /** One entry for each `@example`. */
  examples: string[];
  /** Present when the author says `@deprecated`; empty when without a reason. */
  deprecated?: string;
  /** Every other tag, as it is written. */
  tags: Record<string, string[]>;
}

/** One parameter of a method. */
export interface Parameter {
  name: string;
  /** TypeScript text; `unknown` when neither annotation, JSDoc nor default tells it. */
  type: string;
  /** True when a call may leave it out. */
  optional: boolean;
  /** True for `...name`; `type` is then the array. */
  rest: boolean;
  /** Source text of the default value. */
  default?: string;
  doc: string;
}

/** What a method gives back. */
export interface Returns {
  /** As declared, `Promise` and all; `unknown` when nothing tells it. */
  type: string;
  /** What a caller gets: the awaited value of a call, one item of a stream. */
  item: string;
  doc: string;
}

/**
 * Where the words come from.
 * - `source`: the file as its author wrote it, TypeScript or JavaScript
 * - `declaration`: a package's `.d.ts`
 * - `script`: the text the engine holds, since the file is gone
 * - `function`: only the function's own text: names and defaults
 * - `none`: native code: name and arity
 */
export interface Source {
  kind: "source" | "declaration" | "script" | "function" | "none";
  /** Relative to the root, or from the package's name on. */
  file?: string;
  /** Counted from 1. */
  line?: number;
}

/** One callable member. */
export interface MethodDescription {
  /** Dotted: `deploys.create`. */
  name: string;
  kind: "call" | "stream";
  doc: Doc | null;
  /** `<T extends string>` of the method itself, or empty. */
  typeParameters: string;
  parameters: Parameter[];
  returns: Returns;
  /** Further signatures, as text, when the method is overloaded. */
  overloads: string[];
  source: Source;
}

/** A getter: never run, so that what it gives is known by its declared type only. */
export interface Getter {
  /** As declared; `unknown` when nothing tells it. */
  type: string;
  doc: Doc | null;
  source: Source;
}

/** What a target offers, in its author's own words. Plain JSON. */
export interface Description {
  version: 1;
  /** Name of the class, function or module. */
  name: string;
  doc: Doc | null;
  /** Docs of the nested objects, by dotted path. */
  groups: Record<string, Doc>;
  methods: Record<string, MethodDescription>;
  /** Getters of the target, by name; what they give is not served. Absent when there are none. */
  getters?: Record<string, Getter>;
  /** Interfaces and type aliases the signatures name, as declarations. */
  types: Record<string, string>;
}

/**
 * One method of a description.
 *
 * @throws `ERR_INTROSPECT_METHOD` naming the nearest methods that do exist
 */
export function methodOf(description: Description, name: string): MethodDescription {
  const method = Object.hasOwn(description.methods, name) ? description.methods[name] : undefined;
  if (method) return method;
  const names = Object.keys(description.methods);
  const near = nearest(name, names).slice(0, NEAR_MAX);
  const listed = names.slice(0, LISTED_MAX).join(", ") + (names.length > LISTED_MAX ? ", …" : "");
  const hint = near.length > 0 ? `did you mean ${near.join(", ")}?` : `it has: ${listed || "none"}`;
  throw new IntrospectError(
    "ERR_INTROSPECT_METHOD",
    `${description.name} has no method "${name}"; ${hint}`,
  );
}

/** `create(app: string, ref: string = "main"): Promise<Deploy>`, on one line. */
export function signatureText(method: MethodDescription): string {
  const parameters = method.parameters.map((parameter) => {
    const mark = parameter.optional && parameter.default === undefined && !parameter.rest;
    const value = parameter.default === undefined ? "" : ` = ${parameter.default}`;
    return `${parameter.rest ? "..." : ""}${parameter.name}${mark ? "?" : ""}: ${parameter.type}${value}`;
  });
  const generics = method.typeParameters;
  return `${method.name}${generics}(${parameters.join(", ")}): ${method.returns.type}`;
}
