import { type Node, parse } from "./parser.ts";

const STREAMS = new Set([
  "AsyncIterable",
  "AsyncIterableIterator",
  "AsyncIterator",
  "AsyncIteratorObject",
  "AsyncGenerator",
  "Iterable",
  "IterableIterator",
  "Iterator",
  "IteratorObject",
  "Generator",
  "ReadableStream",
]);

/** What a return type means to a caller. */
export interface Returned {
  kind: "call" | "stream";
  /** The awaited value of a call, or one item of a stream, as text. */
  item: string;
}

/** Looks through `Promise` and the iterables of a return type. */
export function returnedOf(type: string): Returned {
  const held = known.get(type);
  if (held) return held;
  if (known.size >= KNOWN_MAX) known.clear();
  const returned = readReturned(type);
  known.set(type, returned);
  return returned;
}

/** Most types kept; services repeat theirs. */
const KNOWN_MAX = 1_000;
const known = new Map<string, Returned>();

function readReturned(type: string): Returned {
  const text = `type _ = ${type};`;
  const { program } = parse("/type.ts", text);
  const [alias] = program.type === "Program" ? program.body : [];
  if (alias?.type !== "TSTypeAliasDeclaration") return { kind: "call", item: type };
  let node: Node = alias.typeAnnotation;
  for (;;) {
    const head: string =
      node.type === "TSTypeReference" ? text.slice(node.typeName.start, node.typeName.end) : "";
    const first: Node | undefined =
      node.type === "TSTypeReference" ? node.typeArguments?.params[0] : undefined;
    if (STREAMS.has(head))
      return { kind: "stream", item: first ? text.slice(first.start, first.end) : "unknown" };
    if ((head !== "Promise" && head !== "PromiseLike") || !first) break;
    node = first;
  }
  return { kind: "call", item: text.slice(node.start, node.end) };
}
