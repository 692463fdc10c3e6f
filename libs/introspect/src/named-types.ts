import { constType } from "./const-type.ts";
import { isGlobalType } from "./globals.ts";
import { typedefText } from "./jsdoc-type.ts";
import { type Typedef, typedefsOf } from "./jsdoc-typedef.ts";
import type { ImportedName, TypeNode } from "./module-index.ts";
import { isOwn, resolveModule } from "./module-path.ts";
import { type Comment, type Node, walk } from "./parser.ts";
import { SourceFile } from "./source-file.ts";
import { type Declared, declarationText } from "./type-declaration.ts";
import { type Edit, oneLine } from "./type-text.ts";

/** Most named types one description holds. */
const TYPES_MAX = 200;
/** Most modules between a name and its declaration, and types within types. */
const DEPTH_MAX = 12;

/** Where a type is written, and where its names are looked up. */
export interface TypeScope {
  file: SourceFile;
  /** The text that holds the node, when it is not the file: the type of a JSDoc comment. */
  within?: { text: string; comments: Comment[] };
  /** Type parameters in scope, and what to write for those that leave it. */
  generics: ReadonlyMap<string, string>;
}

/** The named types that a description needs, gathered while its signatures are written. */
export class NamedTypes {
  readonly texts = new Map<string, string>();
  readonly #names = new Map<object, string>();
  readonly #resolved = new Map<SourceFile, Map<string, string | undefined>>();
  #depth = 0;

  /** A type on one line, with every name in it resolved. */
  write(node: Node, scope: TypeScope): string {
    const { text, comments } = scope.within ?? scope.file;
    if (node.type.endsWith("Keyword")) return text.slice(node.start, node.end);
    return oneLine(
      { text, comments, start: node.start, end: node.end },
      this.edits(node, scope),
      node,
    );
  }

  /** What has to change in a type so that it can stand alone. */
  edits(node: Node, scope: TypeScope): Edit[] {
    const edits: Edit[] = [];
    const { bound, constrained } = placesOf(node);
    walk(node, (inner) => {
      const replaced = this.#replace(inner, scope, bound);
      if (replaced && inner === node) replaced.text = replaced.text.replace(/^\((.*)\)$/s, "$1");
      if (replaced && constrained.has(inner)) replaced.text = asAny(replaced.text);
      if (replaced) edits.push(replaced);
      return replaced === undefined || replaced.end < inner.end;
    });
    return edits;
  }

  #replace(node: Node, scope: TypeScope, bound: ReadonlySet<string>): Edit | undefined {
    const whole = (text: string): Edit => ({ start: node.start, end: node.end, text });
    const constant = scope.within ? undefined : constType(node, scope.file);
    if (constant !== undefined) return whole(`(${constant})`);
    switch (node.type) {
      case "TSThisType":
        return whole("unknown");
      case "TSPropertySignature":
      case "TSMethodSignature":
        // A key that is a symbol has no name outside of its module.
        return node.computed && node.key.type !== "Literal" ? whole("") : undefined;
      case "TSTypeQuery":
        return whole(unknown(`typeof ${this.#slice(node.exprName, scope)}`));
      case "TSImportType": {
        const name = node.qualifier?.type === "Identifier" ? node.qualifier.name : "";
        return this.#reference(
          node,
          this.#imported(scope.file, { from: node.source.value, name }),
          name,
        );
      }
      case "TSTypeReference": {
        if (node.typeName.type === "TSQualifiedName") return this.#qualified(node, scope);
        if (node.typeName.type !== "Identifier" || bound.has(node.typeName.name)) return undefined;
        const { name } = node.typeName;
        const generic = scope.generics.get(name);
        if (generic !== undefined) return generic === name ? undefined : whole(generic);
        return this.#reference(node, this.resolve(scope.file, name), name);
      }
      default:
        return undefined;
    }
  }

  /** Type arguments stay with a name, and go with what became unknown. */
  #reference(node: Node, resolved: string | undefined, name: string): Edit | undefined {
    if (resolved === undefined) return { start: node.start, end: node.end, text: unknown(name) };
    const args = "typeArguments" in node ? node.typeArguments : null;
    if (resolved === name && node.type === "TSTypeReference") return undefined;
    return { start: node.start, end: args?.start ?? node.end, text: resolved };
  }

  #qualified(node: Node, scope: TypeScope): Edit | undefined {
    if (node.type !== "TSTypeReference") return undefined;
    const [first = "", ...rest] = this.#slice(node.typeName, scope).split(".");
    if (isGlobalType(first)) return undefined;
    const from = scope.file.module.imports.get(first)?.from;
    const resolved =
      from && rest.length === 1
        ? this.#imported(scope.file, { from, name: rest.join(".") })
        : undefined;
    return this.#reference(node, resolved, [first, ...rest].join("."));
  }

  /** The name under which a type stands in the description; undefined when nothing tells it. */
  resolve(file: SourceFile, name: string): string | undefined {
    const known = this.#resolved.get(file) ?? new Map<string, string | undefined>();
    this.#resolved.set(file, known);
    if (known.has(name)) return known.get(name);
    const resolved = this.#lookUp(file, name);
    known.set(name, resolved);
    return resolved;
  }

  #lookUp(file: SourceFile, name: string): string | undefined {
    const local = file.module.types.get(name);
    if (local) return this.#declare(file, local, name);
    const typedef = typedefsOf(file).get(name);
    if (typedef) return this.#declareTypedef(file, typedef, name);
    const imported = file.module.imports.get(name);
    if (imported) return this.#imported(file, imported);
    return isGlobalType(name) ? name : undefined;
  }

  #imported(file: SourceFile, imported: ImportedName): string | undefined {
    const target = resolveModule(file.path, imported.from);
    if (!target) return undefined;
    if (target.kind === "builtin") {
      return imported.name === "*" || imported.name === "default"
        ? undefined
        : `import("node:${target.name}").${imported.name}`;
    }
    if (isOwn(file.path) && !isOwn(target.path)) return undefined;
    return this.#exported(target.path, imported.name, DEPTH_MAX);
  }

  #exported(path: string, name: string, hops: number): string | undefined {
    const file = hops > 0 ? SourceFile.open(path) : undefined;
    if (!file) return undefined;
    const target =
      file.module.exports.get(name) ?? (file.module.types.has(name) ? name : undefined);
    if (typeof target === "string") return this.resolve(file, target);
    const next = target ? [target] : file.module.stars.map((from) => ({ from, name }));
    for (const each of next) {
      const module = resolveModule(file.path, each.from);
      if (module?.kind !== "file" || (isOwn(path) && !isOwn(module.path))) continue;
      const found = this.#exported(module.path, each.name, hops - 1);
      if (found) return found;
    }
    return undefined;
  }

  #declare(file: SourceFile, node: TypeNode, wanted: string): string | undefined {
    const held = this.#names.get(node);
    if (held) return held;
    if (this.#names.size >= TYPES_MAX || this.#depth >= DEPTH_MAX) return undefined;
    const name = this.#freeName(wanted);
    this.#names.set(node, name);
    this.texts.set(name, "");
    this.#depth += 1;
    try {
      this.texts.set(name, declarationText({ file, node, name } satisfies Declared, this));
    } finally {
      this.#depth -= 1;
    }
    return name;
  }

  #declareTypedef(file: SourceFile, typedef: Typedef, wanted: string): string {
    const held = this.#names.get(typedef);
    if (held) return held;
    const name = this.#freeName(wanted);
    this.#names.set(typedef, name);
    this.texts.set(name, "");
    this.texts.set(name, typedefText(typedef, { file, name, types: this }));
    return name;
  }

  #freeName(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.texts.has(name); count += 1) name = `${wanted}${count}`;
    return name;
  }

  #slice(node: Node, scope: TypeScope): string {
    return (scope.within ?? scope.file).text.slice(node.start, node.end);
  }
}

/** `unknown`, with the name it could not be. */
export function unknown(name: string): string {
  return `unknown /* ${name.replaceAll("*/", "* /")} */`;
}

/** `any` satisfies the constraints that `unknown` does not, and keeps what it stands for. */
function asAny(text: string): string {
  return /^unknown\b/.test(text) ? text.replace("unknown", "any") : text;
}

interface Places {
  /** Names that a type brings itself: type parameters, `infer`, keys of mapped types. */
  bound: Set<string>;
  /** Types that must be of some kind: arguments of generics, what is indexed or mapped over. */
  constrained: Set<Node>;
}

function placesOf(node: Node): Places {
  const places: Places = { bound: new Set(), constrained: new Set() };
  walk(node, (inner) => {
    if (inner.type === "TSTypeParameter") {
      places.bound.add(inner.name.name);
      if (inner.constraint) places.constrained.add(inner.constraint);
    } else if (inner.type === "TSMappedType") {
      places.bound.add(inner.key.name);
      places.constrained.add(inner.constraint);
    } else if (inner.type === "TSIndexedAccessType") {
      places.constrained.add(inner.objectType).add(inner.indexType);
    } else if (inner.type === "TSTypeReference" && !UNCONSTRAINED.test(headOf(inner))) {
      for (const each of inner.typeArguments?.params ?? []) places.constrained.add(each);
    }
  });
  return places;
}

const UNCONSTRAINED =
  /^(Promise|PromiseLike|Array|ReadonlyArray|Set|Map|Partial|Readonly|\w*Iterable|\w*Iterator|\w*Generator)$/;

function headOf({ typeName }: Extract<Node, { type: "TSTypeReference" }>): string {
  return typeName.type === "Identifier" ? typeName.name : "";
}
