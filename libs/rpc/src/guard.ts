import { RpcError } from "./errors.ts";

/** A validator of any library that follows Standard Schema 1 (zod, valibot, arktype, …). */
export interface StandardSchema {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    /** Checks a value: gives it, perhaps changed, or what is wrong with it. */
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
  };
}

type SchemaResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What holds for one method, whoever calls it. */
export interface MethodOptions {
  /** Of the array of arguments; what it gives is what the method gets. */
  readonly schema?: StandardSchema;
  /** Calls that may run at a time, of all callers (default no limit of its own). */
  readonly callsMax?: number;
}

type Apply = (args: readonly unknown[]) => unknown;

/** Stands before a method: checks its arguments and how often it runs. */
export class Guard {
  readonly #name: string;
  readonly #options: MethodOptions;
  #running = 0;

  constructor(name: string, options: MethodOptions) {
    this.#name = name;
    this.#options = options;
  }

  /**
   * Runs `apply` with arguments that fit.
   * @throws RpcError ERR_OVERLOADED, ERR_INVALID_ARGUMENTS with the schema's issues as `data`
   */
  async run(args: readonly unknown[], apply: Apply): Promise<unknown> {
    const { callsMax = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#running >= callsMax) {
      const text = `${this.#name} already runs ${callsMax} times; try later`;
      throw new RpcError("ERR_OVERLOADED", text);
    }
    this.#running++;
    try {
      return await apply(await this.#checked(args));
    } finally {
      this.#running--;
    }
  }

  async #checked(args: readonly unknown[]): Promise<readonly unknown[]> {
    const { schema } = this.#options;
    if (schema === undefined) return args;
    const result = await schema["~standard"].validate(args);
    if (result.issues === undefined) return result.value as readonly unknown[];
    const issues = result.issues.map(({ message, path = [] }) => ({
      message,
      path: path.map((part) => String(typeof part === "object" ? part.key : part)),
    }));
    const told = issues.map(({ message, path }) => `${path.join(".") || "arguments"}: ${message}`);
    const text = `${this.#name} does not take these arguments: ${told.join("; ")}`;
    throw new RpcError("ERR_INVALID_ARGUMENTS", text, { data: issues });
  }
}
