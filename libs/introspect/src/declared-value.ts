import type { Found } from "./find-source.ts";
import { type FunctionNode, nameOf } from "./function-index.ts";
import { nodeTypes, resolveModule } from "./module-path.ts";
import type { Node } from "./parser.ts";
import { SourceFile } from "./source-file.ts";

/** Where a search begins: a `.d.ts`, or one `declare module` in it. */
export interface DeclaredModule {
  file: string;
  module?: string;
}

/** Names that are looked up on the way to one function; a search for more gives up. */
const STEPS_MAX = 2_000;

/** Statements in which names are looked up; what is not there may be around it. */
interface Scope {
  file: SourceFile;
  body: readonly Node[];
  outer: Scope | undefined;
  walk: { steps: number };
}

/** What a name stands for: a function, a type and thereby its members, or a namespace. */
type Value =
  | { kind: "function"; scope: Scope; node: FunctionNode }
  | { kind: "type"; scope: Scope; node: Node }
  | { kind: "scope"; scope: Scope };

/**
 * The declaration of what a module exports under a dotted name, through `export =`, interfaces,
 * `typeof`, namespaces and the other files they lead to: `["posix", "join"]` of `path`.
 */
export function declaredFunction(
  entry: DeclaredModule,
  path: readonly string[],
): Found | undefined {
  const file = SourceFile.open(entry.file);
  if (!file) return undefined;
  const scope = { file, body: bodyOf(file), outer: undefined, walk: { steps: STEPS_MAX } };
  const start = entry.module === undefined ? [scope] : ambient(scope, entry.module);
  let values: Value[] = start.map((each) => ({ kind: "scope", scope: each }));
  for (const name of path) values = values.flatMap((value) => membersOf(value, name));
  for (const { scope: home, node } of values.flatMap(callable)) {
    const site = home.file.functions.find((each) => each.node === node);
    if (site) return { file: home.file, site, kind: "declaration" };
  }
  return undefined;
}

function bodyOf(file: SourceFile): readonly Node[] {
  return file.program.type === "Program" ? file.program.body : [];
}

/** The bodies of `declare module "name"` in a file. */
function ambient(scope: Scope, name: string): Scope[] {
  return scope.body.flatMap((node) => {
    if (node.type !== "TSModuleDeclaration" || node.id.type !== "Literal") return [];
    if (node.id.value !== name || node.body?.type !== "TSModuleBlock") return [];
    return [{ ...scope, body: node.body.body, outer: scope }];
  });
}

/** What a specifier means where it is written; Node's own modules stand in @types/node. */
function moduleScopes(from: Scope, specifier: string): Scope[] {
  if (from.walk.steps-- <= 0) return [];
  const top = { ...from, body: bodyOf(from.file), outer: undefined };
  const here = ambient(top, specifier);
  if (here.length > 0) return here;
  const target = resolveModule(from.file.path, specifier);
  const path = target?.kind === "builtin" ? nodeTypes(target.name, [from.file.path]) : target?.path;
  const file = path === undefined ? undefined : SourceFile.open(path);
  if (!file || file === from.file) return [];
  const scope: Scope = { file, body: bodyOf(file), outer: undefined, walk: from.walk };
  return target?.kind === "builtin" ? ambient(scope, target.name) : [scope];
}

/** What a module or namespace exports under a name. All of a declaration file is exported. */
function exported(scope: Scope, name: string): Value[] {
  if (scope.walk.steps-- <= 0) return [];
  const found: Value[] = declared(scope, name);
  for (const node of scope.body) {
    if (found.length > 0) return found;
    if (node.type === "TSExportAssignment") {
      found.push(...entity(scope, node.expression).flatMap((value) => membersOf(value, name)));
    } else if (node.type === "ExportNamedDeclaration") {
      for (const { local, exported: as } of node.specifiers) {
        if (nameOf(as) !== name) continue;
        const homes = node.source ? moduleScopes(scope, node.source.value) : undefined;
        found.push(
          ...(homes?.flatMap((home) => exported(home, nameOf(local))) ?? entity(scope, local)),
        );
      }
    } else if (node.type === "ExportAllDeclaration") {
      const homes = moduleScopes(scope, node.source.value);
      if (!node.exported) found.push(...homes.flatMap((home) => exported(home, name)));
      else if (nameOf(node.exported) === name) found.push(...homes.map(asValue));
    } else if (name === "default" && node.type === "ExportDefaultDeclaration") {
      found.push(...entity(scope, node.declaration));
    }
  }
  return found;
}

const asValue = (scope: Scope): Value => ({ kind: "scope", scope });

/** Values that the statements of a scope declare or import under a name. */
function declared(scope: Scope, name: string): Value[] {
  return scope.body.flatMap((statement): Value[] => {
    const node = declarationOf(statement);
    switch (node.type) {
      case "FunctionDeclaration":
      case "TSDeclareFunction":
        return node.id?.name === name ? [{ kind: "function", scope, node }] : [];
      case "VariableDeclaration":
        return node.declarations
          .filter(({ id }) => nameOf(id) === name)
          .flatMap(({ id }) => typed(scope, "typeAnnotation" in id ? id.typeAnnotation : null));
      case "ClassDeclaration":
        return node.id?.name === name ? [{ kind: "type", scope, node }] : [];
      case "TSModuleDeclaration":
        return nameOf(node.id) === name && node.body?.type === "TSModuleBlock"
          ? [asValue({ ...scope, body: node.body.body, outer: scope })]
          : [];
      case "TSImportEqualsDeclaration":
        return node.id.name === name ? required(scope, node.moduleReference) : [];
      case "ImportDeclaration":
        return imported(scope, node, name);
      default:
        return [];
    }
  });
}

function declarationOf(node: Node): Node {
  const isExport =
    node.type === "ExportNamedDeclaration" || node.type === "ExportDefaultDeclaration";
  return (isExport && node.declaration) || node;
}

/** `import x = require("m")`, `import x = a.b` */
function required(scope: Scope, reference: Node): Value[] {
  if (reference.type !== "TSExternalModuleReference") return entity(scope, reference);
  return moduleScopes(scope, reference.expression.value).map(asValue);
}

function imported(
  scope: Scope,
  node: Extract<Node, { type: "ImportDeclaration" }>,
  name: string,
): Value[] {
  const specifier = node.specifiers.find(({ local }) => local.name === name);
  if (!specifier) return [];
  const homes = moduleScopes(scope, node.source.value);
  if (specifier.type === "ImportNamespaceSpecifier") return homes.map(asValue);
  const wanted = specifier.type === "ImportSpecifier" ? nameOf(specifier.imported) : "default";
  return homes.flatMap((home) => exported(home, wanted));
}

/** The values of `a` or `a.b`, looked up from a scope outwards. */
function entity(scope: Scope, node: Node): Value[] {
  if (scope.walk.steps-- <= 0) return [];
  if (node.type === "TSQualifiedName") {
    return entity(scope, node.left).flatMap((value) => membersOf(value, node.right.name));
  }
  if (node.type === "TSImportType") return moduleScopes(scope, node.source.value).map(asValue);
  const name = nameOf(node);
  for (let at: Scope | undefined = scope; at && name !== ""; at = at.outer) {
    const found = declared(at, name);
    if (found.length > 0) return found;
  }
  return [];
}

function typed(scope: Scope, annotation: Node | null | undefined): Value[] {
  if (annotation?.type !== "TSTypeAnnotation") return [];
  return [{ kind: "type", scope, node: annotation.typeAnnotation }];
}

/** The declarations of a type name, looked up from a scope outwards; interfaces may be in parts. */
function typesNamed(scope: Scope, node: Node): Value[] {
  if (scope.walk.steps-- <= 0) return [];
  if (node.type === "TSQualifiedName") {
    const homes = entity(scope, node.left).filter((value) => value.kind === "scope");
    return homes.flatMap((home) => typesIn(home.scope, node.right.name));
  }
  for (let at: Scope | undefined = scope; at; at = at.outer) {
    const found = typesIn(at, nameOf(node));
    if (found.length > 0) return found;
  }
  return [];
}

/** The declarations of a type name in one scope, declared or imported. */
function typesIn(scope: Scope, name: string): Value[] {
  if (name === "" || scope.walk.steps-- <= 0) return [];
  const found = scope.body.map(declarationOf).filter((each) => isTypeNamed(each, name));
  if (found.length > 0) return found.map((node) => ({ kind: "type", scope, node }));
  return scope.body.flatMap((each) => importedType(scope, each, name));
}

function isTypeNamed(node: Node, name: string): boolean {
  const isType = node.type === "TSInterfaceDeclaration" || node.type === "TSTypeAliasDeclaration";
  return (isType || node.type === "ClassDeclaration") && node.id?.name === name;
}

function importedType(scope: Scope, node: Node, name: string): Value[] {
  if (node.type !== "ImportDeclaration") return [];
  const specifier = node.specifiers.find(({ local }) => local.name === name);
  if (specifier?.type !== "ImportSpecifier") return [];
  const homes = moduleScopes(scope, node.source.value);
  return homes.flatMap((home) => typesIn(home, nameOf(specifier.imported)));
}

function membersOf(value: Value, name: string): Value[] {
  if (value.kind === "scope") return exported(value.scope, name);
  if (value.kind === "function" || value.scope.walk.steps-- <= 0) return [];
  const { scope, node } = value;
  const within = (inner: Value[]) => inner.flatMap((each) => membersOf(each, name));
  switch (node.type) {
    case "TSTypeAliasDeclaration":
    case "TSParenthesizedType":
      return membersOf({ ...value, node: node.typeAnnotation }, name);
    case "TSInterfaceDeclaration": {
      const own = node.body.body.flatMap((member) => memberValue(scope, member, name));
      return own.length > 0
        ? own
        : within(node.extends.flatMap(({ expression }) => typesNamed(scope, expression)));
    }
    case "TSTypeLiteral":
      return node.members.flatMap((member) => memberValue(scope, member, name));
    case "ClassDeclaration":
      return node.body.body.flatMap((member) => staticValue(scope, member, name));
    case "TSIntersectionType":
      return within(node.types.map((each) => ({ ...value, node: each })));
    case "TSTypeReference":
      return within(typesNamed(scope, node.typeName));
    case "TSTypeQuery":
      return within(entity(scope, node.exprName));
    default:
      return [];
  }
}

function memberValue(scope: Scope, node: Node, name: string): Value[] {
  if (node.type === "TSMethodSignature" && nameOf(node.key) === name)
    return [{ kind: "function", scope, node }];
  if (node.type === "TSPropertySignature" && nameOf(node.key) === name)
    return typed(scope, node.typeAnnotation);
  return [];
}

function staticValue(scope: Scope, node: Node, name: string): Value[] {
  if (!("static" in node) || !node.static || !("key" in node) || nameOf(node.key) !== name)
    return [];
  if (node.type === "MethodDefinition") return [{ kind: "function", scope, node: node.value }];
  return node.type === "PropertyDefinition" ? typed(scope, node.typeAnnotation) : [];
}

/** The function a value is, when it is one. */
function callable(value: Value): { scope: Scope; node: FunctionNode }[] {
  if (value.kind === "function") return [value];
  if (value.kind === "scope" || value.scope.walk.steps-- <= 0) return [];
  const { scope, node } = value;
  switch (node.type) {
    case "TSFunctionType":
      return [{ scope, node }];
    case "TSTypeAliasDeclaration":
    case "TSParenthesizedType":
      return callable({ ...value, node: node.typeAnnotation });
    case "TSInterfaceDeclaration":
    case "TSTypeLiteral": {
      const members: readonly Node[] = "members" in node ? node.members : node.body.body;
      const call = members.find(({ type }) => type === "TSCallSignatureDeclaration");
      return call?.type === "TSCallSignatureDeclaration" ? [{ scope, node: call }] : [];
    }
    case "TSTypeReference":
      return typesNamed(scope, node.typeName).flatMap(callable);
    case "TSTypeQuery":
      return entity(scope, node.exprName).flatMap(callable);
    case "TSIntersectionType":
      return node.types.flatMap((each) => callable({ ...value, node: each }));
    default:
      return [];
  }
}
