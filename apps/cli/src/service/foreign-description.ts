import type { Description, Doc, MethodDescription, Parameter } from "@zeroplane/introspect";

type Ask = (method: string, args: readonly unknown[]) => Promise<unknown>;

/** What `_zerorpc_inspect` says of one method. */
interface Inspected {
  readonly args?: readonly { readonly name: string; readonly default?: unknown }[] | null;
  readonly doc?: string | null;
}

const METHODS_MAX = 1_000;

/**
 * What a zerorpc server offers. Servers on Python 3.11 and later cannot answer `_zerorpc_inspect`;
 * they are asked for the names, and for each method's words.
 */
export async function describeForeign(ask: Ask): Promise<Description> {
  const inspected = await ask("_zerorpc_inspect", []).catch(() => undefined);
  if (isMap(inspected) && isMap(inspected["methods"])) {
    const { name, methods } = inspected;
    return descriptionOf(textOf(name), methods as Readonly<Record<string, Inspected>>);
  }
  const names = await ask("_zerorpc_list", []);
  const list = Array.isArray(names) ? names.slice(0, METHODS_MAX).map(textOf) : [];
  const methods: Record<string, Inspected> = {};
  for (const name of list) {
    const doc = await ask("_zerorpc_help", [name]).catch(() => null);
    methods[name] = { args: null, doc: typeof doc === "string" ? doc : null };
  }
  return descriptionOf(textOf(await ask("_zerorpc_name", []).catch(() => "service")), methods);
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString()
    : typeof value === "string"
      ? value
      : "";

function descriptionOf(name: string, methods: Readonly<Record<string, Inspected>>): Description {
  const entries = Object.entries(methods).slice(0, METHODS_MAX);
  const described = entries.map(([method, about]) => [method, methodOf(method, about)]);
  return {
    version: 1,
    name,
    doc: null,
    groups: {},
    methods: Object.fromEntries(described) as Record<string, MethodDescription>,
    types: {},
  };
}

function methodOf(name: string, { args, doc }: Inspected): MethodDescription {
  return {
    name,
    kind: "call",
    doc: docOf(doc),
    typeParameters: "",
    parameters: parametersOf(args),
    returns: { type: "unknown", item: "unknown", doc: "" },
    overloads: [],
    source: { kind: "none" },
  };
}

/** Nothing is known of their types; of Python's, `self` is not for callers. */
function parametersOf(args: Inspected["args"]): Parameter[] {
  const unknown = { type: "unknown", doc: "" };
  if (!Array.isArray(args)) {
    return [{ ...unknown, name: "args", type: "unknown[]", optional: true, rest: true }];
  }
  const own = args.filter(({ name }, at) => !(at === 0 && name === "self"));
  return own.map((arg: { readonly name: string; readonly default?: unknown }) => {
    const has = Object.hasOwn(arg, "default");
    const value = has ? JSON.stringify(arg.default) : undefined;
    const given = value === undefined ? {} : { default: value };
    return { ...unknown, ...given, name: textOf(arg.name), optional: has, rest: false };
  });
}

function docOf(text: string | null | undefined): Doc | null {
  if (!text) return null;
  const [summary = "", ...rest] = text.trim().split(/\n\s*\n/);
  return {
    summary,
    description: rest.join("\n\n"),
    params: {},
    returns: "",
    throws: [],
    examples: [],
    tags: {},
  };
}
