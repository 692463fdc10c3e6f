import { childrenOf, type Node } from "./parser.ts";

/** A node that has parameters: a function, a method, or the signature of one. */
export type FunctionNode = Extract<
  Node,
  {
    type:
      | "FunctionDeclaration"
      | "FunctionExpression"
      | "ArrowFunctionExpression"
      | "TSDeclareFunction"
      | "TSEmptyBodyFunctionExpression"
      | "TSMethodSignature"
      | "TSCallSignatureDeclaration"
      | "TSFunctionType";
  }
>;

/** A class, interface or object literal that holds functions. */
export interface Container {
  chain: string[];
  node: Node;
  /** Offsets a doc comment may stand in front of, innermost first. */
  anchors: number[];
}

/** A function in a text. */
export interface FunctionSite extends Container {
  node: FunctionNode;
  /** From the first character of its declaration to its body. */
  headStart: number;
  headEnd: number;
  container: Container | undefined;
  /** True for an overload, an abstract method, a `declare function`, a member of an interface. */
  isSignature: boolean;
  /** The type given to the variable or field that holds the function. */
  annotation: Node | undefined;
}

/** All functions and their holders of one text. */
export interface FunctionIndex {
  functions: FunctionSite[];
  containers: Container[];
}

interface Place {
  chain: string[];
  anchors: number[];
  container: Container | undefined;
  annotation?: Node | undefined;
}

/** Reads every function of a program, each with the names around it. */
export function indexFunctions(program: Node): FunctionIndex {
  const index: FunctionIndex = { functions: [], containers: [] };
  enter(program, { chain: [], anchors: [], container: undefined }, index);
  return index;
}

function enter(node: Node, place: Place, index: FunctionIndex): void {
  if (isFunction(node)) return enterFunction(node, place, index);
  switch (node.type) {
    case "ExportNamedDeclaration":
      return each(node, { ...place, anchors: [node.start] }, index);
    case "ExportDefaultDeclaration":
      return enter(node.declaration, named(place, "default", node), index);
    case "VariableDeclaration":
    case "ExpressionStatement":
    case "ReturnStatement":
      return each(node, { ...place, anchors: [node.start, ...place.anchors] }, index);
    case "VariableDeclarator":
      return enterNamed(node.init, { key: node.id, holder: node }, { place, index });
    case "PropertyDefinition":
    case "AccessorProperty":
    case "Property":
    case "MethodDefinition":
    case "TSAbstractMethodDefinition":
    case "TSAbstractPropertyDefinition":
      return enterNamed(node.value, { key: node.key, holder: node }, { place, index });
    case "TSTypeAliasDeclaration":
      return enter(node.typeAnnotation, named(place, node.id.name, node), index);
    case "TSPropertySignature":
      return enterNamed(
        node.typeAnnotation?.typeAnnotation,
        { key: node.key, holder: node },
        { place, index },
      );
    case "AssignmentExpression":
      return enter(node.right, assigned(node.left, place), index);
    case "ClassDeclaration":
    case "ClassExpression":
    case "TSInterfaceDeclaration":
    case "ObjectExpression":
    case "TSTypeLiteral":
      return enterContainer(node, place, index);
    case "TSModuleDeclaration": {
      const name = node.id.type === "Identifier" ? [node.id.name] : [];
      return each(node, { ...place, chain: [...place.chain, ...name] }, index);
    }
    case "TSTypeAnnotation":
    case "TSTypeParameterDeclaration":
    case "TSTypeParameterInstantiation":
      return;
    default:
      each(node, { ...place, anchors: [], annotation: undefined }, index);
  }
}

function each(node: Node, place: Place, index: FunctionIndex): void {
  for (const child of childrenOf(node)) enter(child, place, index);
}

interface Slot {
  key: Node;
  holder: Node;
}

function enterNamed(
  value: Node | null | undefined,
  slot: Slot,
  at: { place: Place; index: FunctionIndex },
) {
  const place = named(at.place, nameOf(slot.key), slot.holder);
  const annotation = annotationOf(slot);
  if (value) enter(value, { ...place, annotation }, at.index);
  else if (annotation?.type === "TSFunctionType") enterFunction(annotation, place, at.index);
}

const SHARING = new Set([
  "VariableDeclarator",
  "ExportDefaultDeclaration",
  "TSTypeAliasDeclaration",
]);

/** Statements and declarators share one comment; a member of a class or object has its own. */
function named(place: Place, name: string, holder: Node): Place {
  const own = SHARING.has(holder.type);
  const anchors = own ? [holder.start, ...place.anchors] : [holder.start];
  return { ...place, chain: [...place.chain, name], anchors, annotation: undefined };
}

/** `exports.name =`, `Class.prototype.name =`; `module.exports =` gives no name. */
function assigned(left: Node, place: Place): Place {
  const names: string[] = [];
  for (let node: Node = left; ; node = node.object) {
    if (node.type !== "MemberExpression") {
      names.unshift(nameOf(node));
      break;
    }
    names.unshift(nameOf(node.property));
  }
  const kept = names.filter(
    (name) => !["module", "exports", "prototype", "this", ""].includes(name),
  );
  return { ...place, chain: [...place.chain, ...kept] };
}

function enterContainer(node: Node, place: Place, index: FunctionIndex): void {
  const id = "id" in node && node.id?.type === "Identifier" ? node.id.name : undefined;
  const isDeclared = node.type === "ClassDeclaration" || node.type === "TSInterfaceDeclaration";
  const chain =
    isDeclared && id && place.chain.at(-1) !== id
      ? [...withoutDefault(place.chain), id]
      : place.chain;
  const container: Container = { chain, node, anchors: [node.start, ...place.anchors] };
  index.containers.push(container);
  each(node, { chain, anchors: [], container }, index);
}

function enterFunction(node: FunctionNode, place: Place, index: FunctionIndex): void {
  const id = "id" in node && node.id ? node.id.name : undefined;
  const isDeclared = node.type === "FunctionDeclaration" || node.type === "TSDeclareFunction";
  const key = node.type === "TSMethodSignature" ? nameOf(node.key) : isDeclared ? id : undefined;
  const chain = key ? [...withoutDefault(place.chain), key] : place.chain;
  const body = "body" in node ? node.body : null;
  index.functions.push({
    chain,
    node,
    anchors: [node.start, ...place.anchors],
    headStart: Math.min(node.start, ...place.anchors.slice(0, 1)),
    headEnd: body ? body.start : node.end,
    container: place.container,
    isSignature: body === null || body === undefined,
    annotation: place.annotation,
  });
  // Function types among its parameters are no functions of this text.
  if (body) enter(body, { chain, anchors: [], container: undefined }, index);
}

function withoutDefault(chain: string[]): string[] {
  return chain.at(-1) === "default" ? chain.slice(0, -1) : chain;
}

function annotationOf({ key, holder }: Slot): Node | undefined {
  const from = holder.type === "VariableDeclarator" ? key : holder;
  const annotation = "typeAnnotation" in from ? from.typeAnnotation : undefined;
  return annotation?.type === "TSTypeAnnotation" ? annotation.typeAnnotation : undefined;
}

/** The name a key, identifier or string literal stands for; empty when it is computed. */
export function nameOf(node: Node): string {
  if (node.type === "Identifier") return node.name;
  if (node.type === "Literal") return String(node.value);
  return "";
}

function isFunction(node: Node): node is FunctionNode {
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
    case "TSDeclareFunction":
    case "TSEmptyBodyFunctionExpression":
    case "TSMethodSignature":
    case "TSCallSignatureDeclaration":
    case "TSFunctionType":
      return true;
    default:
      return false;
  }
}
