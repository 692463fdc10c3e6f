import { nameOf } from "./function-index.ts";
import type { Class, Node } from "./parser.ts";

/** A declaration that can be named in a type. */
export type TypeNode =
  | Of<"TSInterfaceDeclaration">
  | Of<"TSTypeAliasDeclaration">
  | Of<"TSEnumDeclaration">
  | Class;

/** A name that comes from another module; `*` is the whole of it. */
export interface ImportedName {
  from: string;
  name: string;
}

/** What a module declares, imports and passes on. */
export interface ModuleIndex {
  /** By local name. */
  types: Map<string, TypeNode>;
  /** By local name. */
  imports: Map<string, ImportedName>;
  /** Exported name to local name, or to a name of another module. */
  exports: Map<string, string | ImportedName>;
  /** Specifiers of `export * from`. */
  stars: string[];
}

/** Reads the types, imports and exports of a program; those in `declare module` count as its own. */
export function indexModule(program: Node): ModuleIndex {
  const index: ModuleIndex = {
    types: new Map(),
    imports: new Map(),
    exports: new Map(),
    stars: [],
  };
  if (program.type === "Program") for (const statement of program.body) read(statement, index);
  return index;
}

function read(node: Node, index: ModuleIndex): void {
  switch (node.type) {
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "ClassDeclaration":
    case "TSEnumDeclaration":
      if (node.id && !index.types.has(node.id.name)) index.types.set(node.id.name, node);
      return;
    case "ImportDeclaration":
      return readImport(node, index);
    case "ExportNamedDeclaration":
      return readExport(node, index);
    case "ExportDefaultDeclaration":
      read(node.declaration, index);
      if ("id" in node.declaration && node.declaration.id?.type === "Identifier") {
        index.exports.set("default", node.declaration.id.name);
      } else if (node.declaration.type === "Identifier") {
        index.exports.set("default", node.declaration.name);
      }
      return;
    case "ExportAllDeclaration":
      if (node.exported) {
        index.exports.set(nameOf(node.exported), { from: node.source.value, name: "*" });
      } else {
        index.stars.push(node.source.value);
      }
      return;
    case "TSModuleDeclaration":
      if (node.body?.type === "TSModuleBlock")
        for (const inner of node.body.body) read(inner, index);
      return;
    default:
  }
}

type Of<T extends Node["type"]> = Extract<Node, { type: T }>;

function readImport(node: Of<"ImportDeclaration">, index: ModuleIndex): void {
  for (const specifier of node.specifiers) {
    const name =
      specifier.type === "ImportSpecifier"
        ? nameOf(specifier.imported)
        : specifier.type === "ImportDefaultSpecifier"
          ? "default"
          : "*";
    index.imports.set(specifier.local.name, { from: node.source.value, name });
  }
}

function readExport(node: Of<"ExportNamedDeclaration">, index: ModuleIndex): void {
  if (node.declaration) read(node.declaration, index);
  for (const specifier of node.specifiers) {
    const local = nameOf(specifier.local);
    const target = node.source ? { from: node.source.value, name: local } : local;
    index.exports.set(nameOf(specifier.exported), target);
  }
}
