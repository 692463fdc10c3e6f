import type { Description, MethodDescription } from "./description.ts";
import { docText } from "./doc-text.ts";
import { literalValue } from "./json-schema.ts";

/** The answer to `_zerorpc_inspect`, as zerorpc-python gives it. */
export interface ZerorpcInspect {
  name: string;
  methods: Record<string, ZerorpcMethod>;
}

/** One method in it. `args` is null when nothing is known about them. */
export interface ZerorpcMethod {
  args: { name: string; default?: unknown }[] | null;
  doc: string | null;
}

/**
 * A description in the words of zerorpc v3. Like Python's own it leaves rest parameters out; a
 * default that is no literal is shown as its source text.
 */
export function toZerorpcInspect(description: Description): ZerorpcInspect {
  const methods = Object.entries(description.methods).map(([name, method]) => [
    name,
    { args: argumentsOf(method), doc: (method.doc && docText(method)) || null },
  ]);
  return { name: description.name, methods: Object.fromEntries(methods) };
}

function argumentsOf({ parameters }: MethodDescription): ZerorpcMethod["args"] {
  return parameters.flatMap((parameter) => {
    if (parameter.rest) return [];
    if (parameter.default === undefined)
      return parameter.optional
        ? { name: parameter.name, default: null }
        : { name: parameter.name };
    return { name: parameter.name, default: literalValue(parameter.default) ?? parameter.default };
  });
}
