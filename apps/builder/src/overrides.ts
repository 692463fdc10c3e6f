import type { HealthCheck } from "@zeroplane/deploy-api";
import { BuildError } from "./build-error.ts";
import { isObject, type JsonObject, jsonObject, textIn } from "./source-tree.ts";

/** What the author of an app said about it, in `zeroplane.json` and `Procfile`. */
export interface Overrides {
  /** Shell command lines that replace the detected build step. */
  readonly build?: readonly string[];
  /** Command lines by process type, `web` first of all. */
  readonly processes: Readonly<Record<string, string>>;
  readonly health: HealthCheck;
  readonly evidence: readonly string[];
}

const CONFIG = "zeroplane.json";
const KNOWN = ["name", "build", "start", "health"];

/**
 * Reads `zeroplane.json` (`{name?, build?: string[], start?: string, health?: {path?, timeoutMs?}}`)
 * and `Procfile` (`web: command`, one process type a line). `start` beats the Procfile.
 * @param dir root of the source
 * @throws BuildError `ERR_BUILD_CONFIG` naming the field or line that is wrong
 */
export async function readOverrides(dir: string): Promise<Overrides> {
  const procfile = parseProcfile((await textIn(dir, "Procfile")) ?? "");
  const text = await textIn(dir, CONFIG);
  const config = text === undefined ? {} : jsonObject(CONFIG, text);
  for (const key of Object.keys(config)) {
    if (!KNOWN.includes(key)) refuse(`has an unknown field "${key}" (known: ${KNOWN.join(", ")})`);
  }
  const build = readBuild(config["build"]);
  const start = readText(config, "start");
  const evidence = [
    ...Object.keys(procfile).map((type) => `Procfile names process ${type}`),
    ...(build === undefined ? [] : [`${CONFIG} gives ${build.length} build commands`]),
    ...(start === undefined ? [] : [`${CONFIG} gives the start command`]),
  ];
  return {
    ...(build === undefined ? {} : { build }),
    processes: start === undefined ? procfile : { ...procfile, web: start },
    health: readHealth(config["health"]),
    evidence,
  };
}

function parseProcfile(text: string): Record<string, string> {
  const processes: Record<string, string> = {};
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, type, command] = /^([a-z][\w-]*)\s*:\s*(\S.*)$/.exec(line) ?? [];
    if (type === undefined || command === undefined) {
      throw new BuildError(
        "ERR_BUILD_CONFIG",
        `Procfile line ${index + 1} is not "type: command"`,
        {
          phase: "detect",
          hint: "write for example: web: node server.js",
        },
      );
    }
    processes[type] = command;
  }
  return processes;
}

function readBuild(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return refuse('field "build" must be a list of command lines');
  return value.map((entry: unknown) => {
    if (typeof entry === "string" && entry.trim() !== "") return entry;
    return refuse('field "build" must hold only command lines');
  });
}

function readText(config: JsonObject, field: string): string | undefined {
  const value = config[field];
  if (value === undefined) return undefined;
  if (typeof value === "string" && value.trim() !== "") return value;
  return refuse(`field "${field}" must be a command line`);
}

function readHealth(value: unknown): HealthCheck {
  if (value === undefined) return {};
  if (!isObject(value)) return refuse('field "health" must be an object');
  const { path, timeoutMs } = value;
  if (path !== undefined && (typeof path !== "string" || !path.startsWith("/"))) {
    return refuse('field "health.path" must be a path that begins with /');
  }
  if (timeoutMs !== undefined && !isStartTime(timeoutMs)) {
    return refuse('field "health.timeoutMs" must be a whole number from 1 to 600000');
  }
  return { ...(path === undefined ? {} : { path }), ...(timeoutMs ? { timeoutMs } : {}) };
}

function isStartTime(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 600_000;
}

function refuse(problem: string): never {
  throw new BuildError("ERR_BUILD_CONFIG", `${CONFIG} ${problem}`, {
    phase: "detect",
    hint: `correct ${CONFIG} and deploy again`,
  });
}
