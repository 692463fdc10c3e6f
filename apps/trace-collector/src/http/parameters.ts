import { z } from "zod";
import { TraceError } from "../trace-error.ts";

const ms = z.coerce.number().finite().optional();
const several = z.union([z.string(), z.array(z.string())]).optional();

/** What narrows spans, as parameters of a URL. */
export const FILTER = {
  service: z.string().optional(),
  operation: z.string().optional(),
  attribute: several,
  minMs: ms,
  maxMs: ms,
  error: z.enum(["true", "false"]).optional(),
  text: z.string().optional(),
  fromMs: ms,
  toMs: ms,
} as const;

const Filter = z.strictObject(FILTER);

/** Parameters that `schema` has. @throws TraceError ERR_QUERY that names each one that is wrong */
export function parameters<S extends z.ZodType>(schema: S, query: unknown): Defined<z.infer<S>> {
  const { success, data, error } = schema.safeParse(query);
  if (success) return withoutUndefined(data as object) as Defined<z.infer<S>>;
  const problems = error.issues.map(
    ({ path, message }) => `${path.join(".") || "query"}: ${message}`,
  );
  throw new TraceError("ERR_QUERY", problems.join("; "));
}

/** The same without properties that are there and undefined. */
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> } extends infer D
  ? { [K in keyof D as undefined extends T[K & keyof T] ? never : K]: D[K] } & {
      [K in keyof D as undefined extends T[K & keyof T] ? K : never]?: D[K];
    }
  : never;

const withoutUndefined = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));

/** Filter of a query whose parameters are strings. @throws TraceError ERR_QUERY for an attribute that is no `key=value` */
export function filterOf<T extends Defined<z.infer<typeof Filter>>>(
  query: T,
): Omit<T, "attribute" | "error"> & { attributes?: [string, string][]; error?: boolean } {
  const { attribute, error, ...rest } = query;
  const pairs = attribute === undefined ? [] : [attribute].flat().map(pairOf);
  return {
    ...rest,
    ...(pairs.length > 0 && { attributes: pairs }),
    ...(error !== undefined && { error: error === "true" }),
  };
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new TraceError("ERR_QUERY", `attribute: ${JSON.stringify(text)} is no key=value`);
}
