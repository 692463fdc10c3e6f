import type { MethodDescription } from "@zeroplane/introspect";
import { RpcError } from "../errors.ts";

function invalid(method: string, what: string): never {
  throw new RpcError("ERR_INVALID_ARGUMENTS", `${method}: ${what}`);
}

/**
 * The arguments in a body: an array as it is, an object by the names of the parameters, nothing as
 * none.
 * @throws RpcError ERR_INVALID_ARGUMENTS naming the parameter
 */
export function argumentsOf(body: unknown, method: MethodDescription): unknown[] {
  const { name, parameters } = method;
  const named = typeof body === "object" && body !== null && !Array.isArray(body);
  if (body === undefined || body === null) return checked([], method);
  if (Array.isArray(body)) return checked(body, method);
  if (!named)
    invalid(name, "the body is neither an object of named arguments nor an array of them");
  const values = body as Readonly<Record<string, unknown>>;
  const known = new Set(parameters.map((parameter) => parameter.name));
  const unknown = Object.keys(values).filter((key) => !known.has(key));
  if (unknown.length > 0) {
    const takes = [...known].join(", ") || "no arguments";
    invalid(name, `no parameter ${unknown.join(", ")}; it takes ${takes}`);
  }
  const args = parameters.flatMap((parameter) => {
    const value = Object.hasOwn(values, parameter.name) ? values[parameter.name] : undefined;
    return parameter.rest && Array.isArray(value) ? value : [value];
  });
  return checked(args, method);
}

function checked(args: unknown[], { name, parameters }: MethodDescription): unknown[] {
  const missing = parameters.filter(({ optional }, at) => !optional && args[at] === undefined);
  if (missing.length > 0) {
    invalid(name, `missing ${missing.map((parameter) => parameter.name).join(", ")}`);
  }
  return args;
}
