import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { CliError } from "../cli-error.ts";
import { LOCK_NAME, PidLock } from "./pid-lock.ts";
import { type NodeRecord, PlatformFile } from "./platform-file.ts";

/** Where a platform is, and how it is reached. */
export interface Location {
  readonly api: string;
  readonly logs?: string;
  readonly traces?: string;
  /** Where spans go. */
  readonly pipe?: string;
  /** Folder of keys. */
  readonly keys?: string;
  /** Its processes, as far as they are known. */
  readonly nodes: readonly NodeRecord[];
  /** For messages: a folder or an endpoint. */
  readonly label: string;
}

/** Where to look. */
export interface Whereabouts {
  /** A data folder that was named. */
  readonly data?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Name of a data folder. */
export const DATA_NAME = ".zeroplane";

/**
 * Finds the platform to talk to: the folder that was named, else `ZP_API`, else `ZP_DATA_DIR`, else
 * the nearest `.zeroplane` from the current folder upwards.
 * @throws CliError ERR_CLI_NO_PLATFORM when none runs there
 */
export function locate(where: Whereabouts): Location {
  const { data, env } = where;
  const api = env["ZP_API"];
  if (data === undefined && api) return remote(api, env);
  const folder = dataFolder(where);
  const record = new PlatformFile(folder).read();
  const isRunning = PidLock.holder(join(folder, LOCK_NAME)) !== undefined;
  if (record === undefined || !isRunning) {
    const text = `no platform is running in ${folder}; start one with: zp up`;
    throw new CliError("ERR_CLI_NO_PLATFORM", text);
  }
  return { ...record, label: folder };
}

/** The data folder that is meant, whether it is there or not. */
export function dataFolder({ data, env, cwd }: Whereabouts): string {
  const named = data ?? (env["ZP_DATA_DIR"] || undefined);
  if (named !== undefined) return resolve(cwd, named);
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = join(folder, DATA_NAME);
    if (existsSync(found)) return found;
    if (dirname(folder) === folder) return join(resolve(cwd), DATA_NAME);
  }
}

function remote(api: string, env: NodeJS.ProcessEnv): Location {
  const { ZP_KEYS: keys, ZP_TRACE_QUERIES: traces, ZP_TRACES: pipe } = env;
  const logs = env["ZP_LOG_QUERIES"] || env["ZP_LOGS"];
  const node = (service: string, endpoint: string | undefined): NodeRecord[] =>
    endpoint ? [{ node: service, service, endpoint }] : [];
  return {
    api,
    nodes: [
      ...node("deploy-api", api),
      ...node("log-hub", logs),
      ...node("trace-collector", traces),
    ],
    label: api,
    ...(keys && { keys }),
    ...(logs && { logs }),
    ...(traces && { traces }),
    ...(pipe && { pipe }),
  };
}
