import {
  type Description,
  describe,
  type Member,
  members,
  nearest,
  toHelp,
  toZerorpcInspect,
} from "@zeroplane/introspect";
import { RpcError } from "./errors.ts";
import { Guard, type MethodOptions } from "./guard.ts";

/** One thing that can be called. */
export interface Method extends Pick<Member, "fn" | "owner" | "name"> {
  /** Stands before it, when there is something to check. */
  readonly guard?: Guard | undefined;
}

// oxlint-disable-next-line typescript/no-explicit-any -- matches every function there is
export type Question = (...args: any[]) => unknown;

/** Calls `method`: its result, a promise of it, or a stream. */
export function apply({ fn, owner, guard }: Method, args: readonly unknown[]): unknown {
  if (guard === undefined) return Reflect.apply(fn, owner, args);
  return guard.run(args, (checked) => Reflect.apply(fn, owner, checked) as unknown);
}

const NEAR_MAX = 3;
const LISTED_MAX = 10;

const listed = (names: readonly string[]): string =>
  names.slice(0, LISTED_MAX).join(", ") + (names.length > LISTED_MAX ? ", …" : "") || "nothing";

/** What a served object offers, by name, with the questions that every service answers. */
export class Service {
  readonly name: string;
  readonly #target: object;
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #builtins: ReadonlyMap<string, Method>;
  #description: Promise<Description> | undefined;

  /**
   * @param target any object, class instance, function or module namespace
   * @param name shown to callers and in traces (default the class's name)
   * @param options of single methods, by name
   * @param questions answered beside the methods, and listed nowhere; their names begin with `_`
   * @throws RpcError ERR_NO_METHOD when `options` names a method that is not there
   */
  constructor(
    target: object,
    name: string | undefined,
    options: Readonly<Record<string, MethodOptions>> = {},
    questions: Readonly<Record<string, Question>> = {},
  ) {
    this.#target = target;
    this.name = name ?? defaultName(target);
    this.#methods = guarded(members(target), this.name, options);
    this.#builtins = this.#makeBuiltins(questions);
  }

  /** Names that can be called, sorted. */
  names(): string[] {
    return [...this.#methods.keys()].sort();
  }

  /** @throws RpcError ERR_NO_METHOD with the names that come nearest */
  method(name: string): Method {
    const method = this.#methods.get(name) ?? this.#builtins.get(name);
    if (method !== undefined) return method;
    const names = this.names();
    const near = nearest(name, names).slice(0, NEAR_MAX).join(", ");
    const hint = near === "" ? `it has: ${listed(names)}` : `did you mean ${near}?`;
    throw new RpcError(
      "ERR_NO_METHOD",
      `${this.name} has no method ${JSON.stringify(name)}; ${hint}`,
    );
  }

  /** Docs, parameters and types of every method, read from their source once. */
  describe(): Promise<Description> {
    this.#description ??= describe(this.#target, { name: this.name });
    return this.#description;
  }

  #makeBuiltins(questions: Readonly<Record<string, Question>>): ReadonlyMap<string, Method> {
    const builtins: Record<string, Question> = {
      ...questions,
      _zerorpc_ping: () => ["pong", this.name],
      _zerorpc_name: () => this.name,
      _zerorpc_list: () => this.names(),
      _zerorpc_inspect: async () => toZerorpcInspect(await this.describe()),
      _zerorpc_help: async (method: string = "") =>
        toHelp(await this.describe(), this.method(method).name),
      _describe: () => this.describe(),
    };
    return new Map(
      Object.entries(builtins).map(([name, fn]) => [name, { name, fn, owner: undefined }]),
    );
  }
}

function guarded(
  methods: ReadonlyMap<string, Method>,
  service: string,
  options: Readonly<Record<string, MethodOptions>>,
): ReadonlyMap<string, Method> {
  const found = new Map(methods);
  for (const [name, own] of Object.entries(options)) {
    const method = found.get(name);
    if (method === undefined) {
      throw new RpcError("ERR_NO_METHOD", `options for ${service}.${name}, which is not there`);
    }
    found.set(name, { ...method, guard: new Guard(`${service}.${name}`, own) });
  }
  return found;
}

function defaultName(target: object): string {
  if (typeof target === "function") return target.name || "function";
  const constructor = (Object.getPrototypeOf(target) as object | null)?.constructor;
  return constructor === undefined || constructor === Object ? "service" : constructor.name;
}
