import type { TypeNode } from "./module-index.ts";
import type { NamedTypes, TypeScope } from "./named-types.ts";
import { type Class, type Node, walk } from "./parser.ts";
import type { SourceFile } from "./source-file.ts";
import { asWritten, type Edit } from "./type-text.ts";

/** A type declaration, and the name to give it. */
export interface Declared {
  file: SourceFile;
  node: TypeNode;
  name: string;
}

/** The declaration as it can stand alone: other names resolved, nothing exported, comments kept. */
export function declarationText({ file, node, name }: Declared, types: NamedTypes): string {
  const scope: TypeScope = { file, generics: new Map() };
  switch (node.type) {
    case "TSInterfaceDeclaration":
      return `interface ${name}${generics(node.typeParameters, scope, types)}${heritage(node, scope, types)} ${slice(node.body, withGenerics(scope, node.typeParameters), types)}`;
    case "TSTypeAliasDeclaration": {
      const text = slice(node.typeAnnotation, withGenerics(scope, node.typeParameters), types);
      return `type ${name}${generics(node.typeParameters, scope, types)} = ${text};`;
    }
    case "TSEnumDeclaration":
      return `type ${name} = ${enumText(node)};`;
    default:
      return `interface ${name}${generics(node.typeParameters, scope, types)} {\n${classMembers(node, scope, types)}}`;
  }
}

function slice(node: Node, scope: TypeScope, types: NamedTypes): string {
  const { text, comments } = scope.file;
  const edits: Edit[] = types.edits(node, scope);
  return asWritten({ text, comments, start: node.start, end: node.end }, edits);
}

function generics(node: Node | null | undefined, scope: TypeScope, types: NamedTypes): string {
  return node ? types.write(node, withGenerics(scope, node)) : "";
}

/** Type parameters keep their names within the declaration that has them. */
function withGenerics(scope: TypeScope, node: Node | null | undefined): TypeScope {
  if (node?.type !== "TSTypeParameterDeclaration") return scope;
  const own = node.params.map(({ name }) => [name.name, name.name] as const);
  return { ...scope, generics: new Map([...scope.generics, ...own]) };
}

/** A parent that nothing tells is left out, since nothing can extend `unknown`. */
function heritage(
  node: Extract<TypeNode, { type: "TSInterfaceDeclaration" }>,
  scope: TypeScope,
  types: NamedTypes,
) {
  const own = withGenerics(scope, node.typeParameters);
  const parents = node.extends.flatMap((parent) => {
    const name = parent.expression.type === "Identifier" ? parent.expression.name : "";
    const resolved = name && types.resolve(scope.file, name);
    if (!resolved || resolved.startsWith("import(")) return [];
    return resolved + (parent.typeArguments ? types.write(parent.typeArguments, own) : "");
  });
  return parents.length > 0 ? ` extends ${parents.join(", ")}` : "";
}

/** Over a wire only the public fields of an instance remain. */
function classMembers(node: Class, scope: TypeScope, types: NamedTypes): string {
  const own = withGenerics(scope, node.typeParameters);
  let text = "";
  for (const member of node.body.body) {
    if (member.type !== "PropertyDefinition" && member.type !== "TSAbstractPropertyDefinition")
      continue;
    const hidden = member.accessibility === "private" || member.accessibility === "protected";
    if (member.static || hidden || member.computed || member.key.type !== "Identifier") continue;
    const type = member.typeAnnotation
      ? slice(member.typeAnnotation.typeAnnotation, own, types)
      : "unknown";
    text += `  ${member.readonly ? "readonly " : ""}${member.key.name}${member.optional ? "?" : ""}: ${type};\n`;
  }
  return text;
}

function enumText(node: Extract<TypeNode, { type: "TSEnumDeclaration" }>): string {
  let next = 0;
  const values = node.body.members.map((member) => {
    const value = literalOf(member.initializer);
    if (typeof value === "number") next = value;
    const text =
      value === undefined && member.initializer ? "number" : JSON.stringify(value ?? next);
    next += 1;
    return text;
  });
  return [...new Set(values)].join(" | ") || "never";
}

function literalOf(node: Node | null | undefined): string | number | undefined {
  let value: string | number | undefined;
  let sign = 1;
  if (node) {
    walk(node, (inner) => {
      if (inner.type === "UnaryExpression" && inner.operator === "-") sign = -1;
      if (
        inner.type === "Literal" &&
        (typeof inner.value === "string" || typeof inner.value === "number")
      ) {
        value = inner.value;
      }
    });
  }
  return typeof value === "number" ? sign * value : value;
}
