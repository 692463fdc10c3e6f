import { hostname } from "node:os";
import { z } from "zod";

/** What every process of the platform reads from its environment. */
export const BaseConfig = z.object({
  /**
   * Name of this process; no other may have it. `@hostname` takes the host's name, for containers.
   * Default: service and pid.
   */
  ZP_NODE: z
    .string()
    .regex(/^(@hostname|[\w-]{1,64})$/, "letters, digits, _ and - only, at most 64; or @hostname")
    .optional(),
  /** Where this process listens for sessions. */
  ZP_BIND: z.string().default("tcp://127.0.0.1:*"),
  /** Folder of CURVE keys; without it only loopback may be bound. */
  ZP_KEYS: z.string().optional(),
  /** `true` allows other hosts without keys. */
  ZP_INSECURE: z.stringbool().default(false),
  /** The log hub, `tcp://host:port`. */
  ZP_LOGS: z.string().optional(),
  /** The trace collector's pipe, `tcp://host:port`. */
  ZP_TRACES: z.string().optional(),
  /** Folder of this host where spans are kept over a kill -9, at most 8 MiB each process (default: they are not). */
  ZP_SPOOL: z.string().optional(),
  ZP_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal"]).default("info"),
  /** Host under which others reach this process; `@hostname` takes the host's name. */
  ZP_HOST: z
    .string()
    .default("127.0.0.1")
    .transform((host) => (host === "@hostname" ? hostname() : host)),
});

/** The base configuration, read. */
export type BaseConfig = z.infer<typeof BaseConfig>;

/** Thrown when the environment does not fit; lists every problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "ERR_CONFIG";
  readonly retryable = false;
}

/**
 * Reads a schema from environment variables. Empty ones count as not set.
 * @throws ConfigError with one line for each problem
 */
export function readConfig<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): z.infer<T> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join(".")}: ${message}`);
  throw new ConfigError(`the environment does not fit:\n${lines.join("\n")}`);
}

/** Name of a process of `service`, as it was configured. */
export function nodeOf(service: string, configured: string | undefined): string {
  if (configured === "@hostname") return `${service}-${hostname()}`;
  return configured ?? `${service}-${process.pid}`;
}
