import { relative, sep } from "node:path";
import { isAsyncFunction, isGeneratorFunction } from "node:util/types";
import { builtinNameOf } from "./builtin-names.ts";
import type { Doc, MethodDescription, Parameter, Source } from "./description.ts";
import { type DocComment, isEmptyDoc } from "./doc-comment.ts";
import { type Found, findExported, findFunction, NO_FILE } from "./find-source.ts";
import { functionText } from "./function-text.ts";
import type { Location } from "./locate.ts";
import type { Member } from "./members.ts";
import { isOwn } from "./module-path.ts";
import type { NamedTypes } from "./named-types.ts";
import { returnedOf } from "./returned.ts";
import { readSignature, type Signature } from "./signature.ts";
import { WRAPPERS_MAX, type Wrapped } from "./wrapped.ts";
import { wrappedMethod } from "./wrapped-method.ts";

/** What a whole description shares. */
export interface DescribeContext {
  located: Map<object, Location>;
  /** What functions pass their arguments on to. */
  wrapped: Map<object, Wrapped>;
  types: NamedTypes;
  root: string;
}

/** A member, and the functions it overrides. */
export interface Subject {
  member: Member;
  parents: object[];
  /** How many functions around it were looked through. */
  wrappers?: number;
}

/** Describes one member from the best text that is left of it, or of what it wraps. */
export function describeMethod(subject: Subject, context: DescribeContext): MethodDescription {
  const described = describeWritten(subject, context);
  const wrapped = described.doc ? undefined : context.wrapped.get(subject.member.fn);
  if (!wrapped || subject.wrappers === WRAPPERS_MAX) return described;
  const member = { ...subject.member, fn: wrapped.fn as Member["fn"] };
  const inner: Subject = { member, parents: [], wrappers: (subject.wrappers ?? 0) + 1 };
  return wrappedMethod(describeMethod(inner, context), wrapped.how);
}

function describeWritten(subject: Subject, context: DescribeContext): MethodDescription {
  const { fn, name } = subject.member;
  const texts = textsOf(subject.member, fn, context);
  const [best] = texts;
  if (!best) return nativeMethod(subject.member);
  const comment = commentOf(subject, texts, context);
  const signature = mergedSignature(texts, comment, context);
  const returned = returnedType(fn, signature);
  const { kind, item } = returnedOf(returned);
  return {
    name,
    kind: isGeneratorFunction(fn) ? "stream" : kind,
    doc: comment && !isEmptyDoc(comment.doc) ? comment.doc : null,
    typeParameters: signature.typeParameters,
    parameters: signature.parameters,
    returns: { type: returned, item, doc: comment?.doc.returns ?? "" },
    overloads: overloadsOf(best, context),
    source: sourceOf(best, context.root),
  };
}

/** Declared before implemented: types come from the one, defaults from the other. */
function textsOf(member: Member, fn: object, context: DescribeContext): Found[] {
  const location = context.located.get(fn);
  const builtin = location?.script.path === undefined ? builtinNameOf(fn) : undefined;
  const exported = builtin && findExported(builtin);
  if (exported) return [exported];
  const found = location && findFunction(location, { path: member.path, own: ownName(fn) });
  const texts = [found?.declared, found?.implemented].filter((text) => text !== undefined);
  if (texts.length > 0) return texts.map(firstOverload);
  const text = functionText(fn);
  return text ? [text] : [];
}

/** An overloaded function is what its signatures say; the implementation's is not for callers. */
function firstOverload(found: Found): Found {
  const [first] = signaturesOf(found);
  return first && !found.site.isSignature ? { ...found, site: first } : found;
}

function signaturesOf({ file, site }: Found): readonly Found["site"][] {
  if (site.chain.length === 0) return [];
  const same = file.functionsOf(site.chain);
  return same.filter((other) => other.isSignature && other.container === site.container);
}

function overloadsOf(found: Found, context: DescribeContext): string[] {
  const others = signaturesOf(found).filter((site) => site !== found.site);
  return others.map((site) => {
    const comment = found.file.docBefore(site.anchors);
    const read = readSignature(
      { ...found, site },
      { doc: comment?.doc, types: comment?.types },
      context.types,
    );
    const parameters = read.parameters.map(({ name, type, optional, rest }) => {
      return `${rest ? "..." : ""}${name}${optional && !rest ? "?" : ""}: ${type}`;
    });
    return `${read.typeParameters}(${parameters.join(", ")}): ${read.returns ?? "unknown"}`;
  });
}

/** The nearest words: its own, those of an overload, of what it overrides, of what it implements. */
function commentOf(
  subject: Subject,
  texts: Found[],
  context: DescribeContext,
): DocComment | undefined {
  const own = ownComments(texts);
  const [first] = own;
  if (first && !first.inherits && !isEmptyDoc(first.doc)) return mergeComments(own);
  const inherited = subject.parents.flatMap((fn) =>
    ownComments(textsOf(subject.member, fn, context)),
  );
  const promised = texts.flatMap((text) => implementedComments(text));
  return mergeComments([...own, ...inherited, ...promised]);
}

function ownComments(texts: Found[]): DocComment[] {
  return texts.flatMap((found) => {
    const sites = [found.site, ...signaturesOf(found), ...implementations(found)];
    return sites.flatMap(({ anchors }) => found.file.docBefore(anchors) ?? []);
  });
}

function implementations({ file, site }: Found): readonly Found["site"][] {
  if (!site.isSignature || site.chain.length === 0) return [];
  const same = file.functionsOf(site.chain);
  return same.filter((other) => !other.isSignature && other.container === site.container);
}

/** Comments of the interfaces in the same file that a class says it implements. */
function implementedComments({ file, site }: Found): DocComment[] {
  const holder = site.container?.node;
  if (!holder || !("implements" in holder)) return [];
  return holder.implements.flatMap(({ expression }) => {
    const name = expression.type === "Identifier" ? expression.name : "";
    const promised = file.functionsOf([name, site.chain.at(-1) ?? ""]);
    return promised.flatMap(({ anchors }) => file.docBefore(anchors) ?? []);
  });
}

/** The first that has words speaks; what it leaves out the next may add. */
function mergeComments(comments: DocComment[]): DocComment | undefined {
  const [first, ...rest] = comments.filter(
    (comment) => !isEmptyDoc(comment.doc) || comment === comments[0],
  );
  if (!first) return undefined;
  return rest.reduce<DocComment>((merged, next) => {
    const types = {
      ...next.types,
      ...merged.types,
      params: { ...next.types.params, ...merged.types.params },
    };
    return { inherits: false, types, doc: mergeDocs(merged.doc, next.doc) };
  }, first);
}

function mergeDocs(doc: Doc, next: Doc): Doc {
  const says = doc.summary !== "";
  return {
    ...doc,
    summary: says ? doc.summary : next.summary,
    description: says ? doc.description : next.description,
    params: { ...next.params, ...doc.params },
    returns: doc.returns || next.returns,
    throws: doc.throws.length > 0 ? doc.throws : next.throws,
    examples: doc.examples.length > 0 ? doc.examples : next.examples,
  };
}

function mergedSignature(
  texts: Found[],
  comment: DocComment | undefined,
  { types }: DescribeContext,
): Signature {
  const [first, ...rest] = texts.map((text) =>
    readSignature(text, { doc: comment?.doc, types: comment?.types }, types),
  );
  return rest.reduce<Signature>(
    (merged, next) => ({
      ...merged,
      returns: merged.returns ?? next.returns,
      isAsync: merged.isAsync || next.isAsync,
      isGenerator: merged.isGenerator || next.isGenerator,
      parameters: merged.parameters.map((parameter, at) =>
        withDefault(parameter, next.parameters[at]),
      ),
    }),
    first as Signature,
  );
}

function withDefault(parameter: Parameter, implemented: Parameter | undefined): Parameter {
  const value = implemented?.default;
  return value === undefined || parameter.default !== undefined
    ? parameter
    : { ...parameter, default: value };
}

function returnedType(fn: object, signature: Signature): string {
  if (signature.returns) return signature.returns;
  if (isGeneratorFunction(fn))
    return isAsyncFunction(fn) ? "AsyncGenerator<unknown>" : "Generator<unknown>";
  return isAsyncFunction(fn) || signature.isAsync ? "Promise<unknown>" : "unknown";
}

/** Native code tells its name and how many arguments it wants. */
function nativeMethod({ name, fn }: Member): MethodDescription {
  const arity = Number(Object.getOwnPropertyDescriptor(fn, "length")?.value ?? 0);
  const parameters = Array.from({ length: Math.min(arity, 100) }, (_, at) => {
    return { name: `argument${at + 1}`, type: "unknown", optional: false, rest: false, doc: "" };
  });
  const returns = { type: "unknown", item: "unknown", doc: "" };
  return {
    name,
    kind: isGeneratorFunction(fn) ? "stream" : "call",
    doc: null,
    typeParameters: "",
    parameters,
    returns,
    overloads: [],
    source: { kind: "none" },
  };
}

function sourceOf(found: Found, root: string): Source {
  if (found.kind === "function") return { kind: "function" };
  const line = found.file.lineAt(found.site.node.start);
  if (found.file.path === NO_FILE) return { kind: found.kind, line };
  return { kind: found.kind, file: shownPath(found.file.path, root), line };
}

/** A description may travel: it does not tell where on a machine a package stands. */
function shownPath(path: string, root: string): string {
  const parts = path.split(sep);
  if (!isOwn(path)) return parts.slice(parts.lastIndexOf("node_modules") + 1).join("/");
  const below = relative(root, path);
  return below.startsWith("..") ? parts.slice(-2).join("/") : below.split(sep).join("/");
}

function ownName(fn: object): string {
  const name = Object.getOwnPropertyDescriptor(fn, "name")?.value;
  return typeof name === "string" ? name.replace(/^bound /, "") : "";
}
