import type { Description, MethodDescription } from "./description.ts";

/** The named types that some texts need, and those that these need, in the order of the description. */
export function usedTypes(description: Description, method: MethodDescription): [string, string][] {
  const { parameters, returns, typeParameters, overloads } = method;
  const used = new Set<string>();
  const queue = [returns.type, typeParameters, ...overloads, ...parameters.map(({ type }) => type)];
  for (const text of queue) {
    for (const word of text.match(/[\w$]+/g) ?? []) {
      if (used.has(word) || !Object.hasOwn(description.types, word)) continue;
      used.add(word);
      queue.push(description.types[word] ?? "");
    }
  }
  return Object.entries(description.types).filter(([name]) => used.has(name));
}
