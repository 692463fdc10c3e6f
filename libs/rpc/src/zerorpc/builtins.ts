import { type MethodDescription, toZerorpcInspect } from "@zeroplane/introspect";
import type { Method, Service } from "../service.ts";
import { quoted } from "./error-args.ts";

/** Names, name of the rest parameter, of keyword arguments (never), and defaults of the last ones. */
type Args = readonly [string[], string | null, null, unknown[] | null];

/** What Python raises for a method that is not there. */
class KeyError extends Error {
  override readonly name = "KeyError";
}

/** The questions that every zerorpc server answers, in zerorpc's own words. */
export function builtins(service: Service): ReadonlyMap<string, Method> {
  const inspect = async (): Promise<ReturnType<typeof toZerorpcInspect>> =>
    toZerorpcInspect(await service.describe());
  const known = async (name: unknown): Promise<MethodDescription> => {
    const { methods } = await service.describe();
    const method = typeof name === "string" && Object.hasOwn(methods, name) && methods[name];
    if (method) return method;
    throw new KeyError(quoted(String(name)));
  };
  const functions: Record<string, (name?: unknown) => unknown> = {
    _zerorpc_ping: () => ["pong", service.name],
    _zerorpc_name: () => service.name,
    _zerorpc_list: () => service.names(),
    _zerorpc_inspect: inspect,
    _zerorpc_help: async (name) => {
      const method = await known(name);
      return (await inspect()).methods[method.name]?.doc ?? null;
    },
    _zerorpc_args: async (name) => {
      const method = await known(name);
      return argsOf(method, (await inspect()).methods[method.name]?.args ?? []);
    },
  };
  return new Map(
    Object.entries(functions).map(([name, fn]) => [name, { name, fn, owner: undefined }]),
  );
}

function argsOf(
  { parameters }: MethodDescription,
  shown: readonly { readonly name: string; readonly default?: unknown }[],
): Args {
  const rest = parameters.find((parameter) => parameter.rest)?.name ?? null;
  const firstDefault = shown.findIndex((arg) => "default" in arg);
  const defaults =
    firstDefault < 0 ? null : shown.slice(firstDefault).map((arg) => arg.default ?? null);
  return [shown.map(({ name }) => name), rest, null, defaults];
}
