import { nameOf } from "./function-index.ts";
import type { Node } from "./parser.ts";
import type { SourceFile } from "./source-file.ts";

/** Most items of a constant that are written out. */
const ITEMS_MAX = 100;

/**
 * The type of `typeof KINDS`, `(typeof KINDS)[number]`, `keyof typeof KINDS` or
 * `(typeof KINDS)[keyof typeof KINDS]` for a constant of literals in the same file; undefined for
 * any other type.
 */
export function constType(node: Node, file: SourceFile): string | undefined {
  switch (node.type) {
    case "TSTypeQuery": {
      const value = constantOf(node, file);
      return value && literalText(value, file);
    }
    case "TSTypeOperator": {
      const value = node.operator === "keyof" ? constantOf(node.typeAnnotation, file) : undefined;
      return value?.type === "ObjectExpression" ? union(keysOf(value)) : undefined;
    }
    case "TSIndexedAccessType":
      return indexed(constantOf(node.objectType, file), node.indexType, file);
    default:
      return undefined;
  }
}

function indexed(value: Node | undefined, index: Node, file: SourceFile): string | undefined {
  if (value?.type === "ArrayExpression" && index.type === "TSNumberKeyword") {
    return union(value.elements.map((each) => each && literalText(each, file)));
  }
  if (value?.type !== "ObjectExpression" || index.type !== "TSTypeOperator") return undefined;
  return union(value.properties.map((each) => "value" in each && literalText(each.value, file)));
}

/** What `typeof name` was given `as const` at the top of the file. */
function constantOf(node: Node, file: SourceFile): Node | undefined {
  if (node.type === "TSParenthesizedType") return constantOf(node.typeAnnotation, file);
  if (node.type !== "TSTypeQuery" || node.exprName.type !== "Identifier") return undefined;
  const { name } = node.exprName;
  const body = file.program.type === "Program" ? file.program.body : [];
  for (const statement of body) {
    const declared =
      statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declared?.type !== "VariableDeclaration") continue;
    const init = declared.declarations.find(({ id }) => nameOf(id) === name)?.init;
    if (init) return constantValue(init);
  }
  return undefined;
}

function constantValue(init: Node): Node | undefined {
  if (init.type === "TSSatisfiesExpression") return constantValue(init.expression);
  if (init.type !== "TSAsExpression") return undefined;
  const type = init.typeAnnotation;
  const isConst = type.type === "TSTypeReference" && nameOf(type.typeName) === "const";
  return isConst ? init.expression : undefined;
}

function literalText(node: Node, file: SourceFile): string | undefined {
  switch (node.type) {
    case "Literal":
      return typeof node.value === "object" && node.value !== null
        ? undefined
        : file.text.slice(node.start, node.end);
    case "ArrayExpression": {
      const items = all(node.elements.map((each) => each && literalText(each, file)));
      return items && `readonly [${items.join(", ")}]`;
    }
    case "ObjectExpression": {
      const fields = all(
        node.properties.map((each) => {
          const type = "value" in each ? literalText(each.value, file) : undefined;
          return type && "key" in each
            ? `readonly ${JSON.stringify(nameOf(each.key))}: ${type}`
            : "";
        }),
      );
      return fields && `{ ${fields.join("; ")} }`;
    }
    default:
      return undefined;
  }
}

function keysOf(node: Extract<Node, { type: "ObjectExpression" }>): string[] {
  return node.properties.map((each) => ("key" in each ? JSON.stringify(nameOf(each.key)) : ""));
}

function union(texts: readonly (string | false | null | undefined)[]): string | undefined {
  const known = all(texts);
  return known && [...new Set(known)].join(" | ");
}

function all(texts: readonly (string | false | null | undefined)[]): string[] | undefined {
  const known = texts.filter((text): text is string => Boolean(text));
  return known.length === texts.length && known.length > 0 && known.length <= ITEMS_MAX
    ? known
    : undefined;
}
