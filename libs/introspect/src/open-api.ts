import type { Description, MethodDescription } from "./description.ts";
import { type JsonSchema, toJsonSchema, toResultSchema } from "./json-schema.ts";

/** What {@link toOpenApi} cannot read from the description. */
export interface OpenApiOptions {
  /** Version of the service (default `0.0.0`). */
  readonly version?: string;
  /** Where it is served (default `/`). */
  readonly servers?: readonly string[];
  /** Schema of an error's body (default RFC 9457 problem details). */
  readonly problem?: JsonSchema;
}

const DEFINITIONS = "#/$defs/";
const COMPONENTS = "#/components/schemas/";

const PROBLEM: JsonSchema = {
  type: "object",
  description: "RFC 9457 problem details",
  properties: {
    type: { type: "string", format: "uri-reference" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string" },
    retryable: { type: "boolean" },
    data: {},
  },
  required: ["type", "title", "status", "code"],
};

/**
 * An OpenAPI 3.1 document of a service whose methods are called by `POST /{method}` with an object
 * of named arguments. A stream answers as JSON lines, or as server-sent events when those are asked
 * for. Types that the signatures name become components.
 */
export function toOpenApi(description: Description, options: OpenApiOptions = {}): JsonSchema {
  const schemas: Record<string, JsonSchema> = { Problem: options.problem ?? PROBLEM };
  const paths = Object.values(description.methods).map((method) => [
    `/${method.name}`,
    { post: operation(description, method, schemas) },
  ]);
  return {
    openapi: "3.1.0",
    info: {
      title: description.name,
      version: options.version ?? "0.0.0",
      ...(description.doc && { description: wordsOf(description.doc) }),
    },
    servers: (options.servers ?? ["/"]).map((url) => ({ url })),
    paths: Object.fromEntries(paths),
    components: { schemas },
  };
}

function operation(
  description: Description,
  method: MethodDescription,
  schemas: Record<string, JsonSchema>,
): JsonSchema {
  const { doc, name, kind } = method;
  const result = lifted(toResultSchema(description, name), schemas);
  const isStream = kind === "stream";
  const content = isStream
    ? { "application/x-ndjson": { schema: result }, "text/event-stream": { schema: result } }
    : { "application/json": { schema: result } };
  return {
    operationId: name,
    ...(doc && { summary: doc.summary, description: wordsOf(doc) }),
    ...(doc?.deprecated !== undefined && { deprecated: true }),
    requestBody: {
      required: method.parameters.some(({ optional }) => !optional),
      content: {
        "application/json": { schema: lifted(toJsonSchema(description, name), schemas) },
      },
    },
    responses: {
      "200": {
        description: method.returns.doc || (isStream ? "One item after the other." : "The result."),
        content,
      },
      default: {
        description: "What went wrong.",
        content: { "application/problem+json": { schema: { $ref: `${COMPONENTS}Problem` } } },
      },
    },
  };
}

const wordsOf = ({ summary, description }: { summary: string; description: string }): string =>
  [summary, description].filter((text) => text !== "").join("\n\n");

/** The same schema with its definitions among the components. */
function lifted(schema: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  const { $defs = {}, $schema: _, ...rest } = schema;
  for (const [name, each] of Object.entries($defs as Record<string, JsonSchema>)) {
    schemas[name] ??= pointed(each) as JsonSchema;
  }
  return pointed(rest) as JsonSchema;
}

/** References to definitions become references to components. */
function pointed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pointed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => {
    const isReference = key === "$ref" && typeof each === "string" && each.startsWith(DEFINITIONS);
    return [key, isReference ? each.replace(DEFINITIONS, COMPONENTS) : pointed(each)] as const;
  });
  return Object.fromEntries(entries);
}
