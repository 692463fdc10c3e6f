import { inspect } from "node:util";
import type { z } from "zod";
import { type BaseConfig, ConfigError, readConfig } from "./config.ts";
import { Life } from "./life.ts";

/** What a process does until its life's signal is aborted. */
export type Main<Config extends BaseConfig> = (life: Life<Config>) => Promise<void>;

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;
const STOP_TIMEOUT_MS = 15_000;

/**
 * Runs one process: environment to configuration, `main`, then waits until it is asked to stop,
 * and closes everything in reverse order. Exit status 0 after a stop, 1 after a failure, 2 when
 * the configuration does not fit.
 * @param service its kind: the name of its keys, and of it in logs and traces
 * @param schema of its environment; extends `BaseConfig`
 */
export async function run<Schema extends z.ZodType<BaseConfig>>(
  service: string,
  schema: Schema,
  main: Main<z.infer<Schema>>,
): Promise<void> {
  const stop = new AbortController();
  for (const name of STOP_SIGNALS) process.once(name, () => stop.abort(new Error(name)));
  try {
    const config = readConfig(schema, process.env);
    await using life = new Life(service, config, stop.signal);
    await live(life, main);
    limitStop(life);
  } catch (error) {
    process.exitCode = error instanceof ConfigError ? 2 : 1;
    const when = stop.signal.aborted ? " while stopping" : "";
    process.stderr.write(`${service} failed${when}: ${inspect(error)}\n`);
  }
}

async function live<Config extends BaseConfig>(
  life: Life<Config>,
  main: Main<Config>,
): Promise<void> {
  const failed = Promise.withResolvers<never>();
  const fail = (error: unknown): void => failed.reject(error);
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
  const stopped = new Promise<void>((resolve) => {
    if (life.signal.aborted) resolve();
    life.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  try {
    await Promise.race([main(life), failed.promise]);
    await Promise.race([stopped, failed.promise]);
    life.log.info({ reason: String(life.signal.reason?.message ?? "") }, "stopping");
  } catch (error) {
    life.log.fatal({ err: error }, `failed: ${String(error)}`);
    throw error;
  }
}

/** A resource that does not close must not keep the process for ever. */
function limitStop({ log }: Life): void {
  const give = (): void => {
    log.error(`did not stop within ${STOP_TIMEOUT_MS} ms`);
    process.exit(1);
  };
  setTimeout(give, STOP_TIMEOUT_MS).unref();
}
