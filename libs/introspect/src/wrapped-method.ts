import type { MethodDescription, Parameter } from "./description.ts";
import type { Wrapped } from "./wrapped.ts";

/** What a wrapper makes of the method that it wraps. */
export function wrappedMethod(method: MethodDescription, how: Wrapped["how"]): MethodDescription {
  if (how === "promisify") return promisified(method);
  return how === "callbackify" ? callbackified(method) : method;
}

/** Without its callback, whose second argument is what the promise gives. */
function promisified(method: MethodDescription): MethodDescription {
  const last = method.parameters.at(-1);
  const isCallback = last && (last.type.includes("=>") || /^(cb|callback|done)$/.test(last.name));
  const parameters = isCallback ? method.parameters.slice(0, -1) : method.parameters;
  const item = (isCallback && valueType(last.type)) || "unknown";
  const returns = { type: `Promise<${item}>`, item, doc: "" };
  return { ...method, kind: "call", parameters, returns, overloads: [] };
}

/** `T` of `(error: Error | null, value: T) => void`; a callback of only an error gives nothing. */
function valueType(type: string): string | undefined {
  if (/^\([^,()]*\) => \w+$/.test(type)) return "void";
  return /^\([^,()]*, \w+\??: (.*)\) => \w+$/.exec(type)?.[1];
}

function callbackified(method: MethodDescription): MethodDescription {
  const callback: Parameter = {
    name: "callback",
    type: `(error: Error | null, value: ${method.returns.item}) => void`,
    optional: false,
    rest: false,
    doc: "",
  };
  const parameters = [...method.parameters, callback];
  const returns = { type: "void", item: "void", doc: "" };
  return { ...method, kind: "call", parameters, returns, overloads: [] };
}
