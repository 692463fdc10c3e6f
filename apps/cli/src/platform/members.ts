import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeRecord, PlatformRecord } from "./platform-file.ts";
import type { ProcessSpec } from "./supervised.ts";

/** How many of what a platform has. */
export interface Sizes {
  readonly builders: number;
  readonly runners: number;
  readonly routers: number;
}

/** One process that a platform is to have. */
export interface Member {
  readonly node: string;
  readonly service: string;
  readonly hasHttp: boolean;
  readonly hasPipe: boolean;
}

/** Everyone who has keys. */
export const KEY_NAMES = [
  "deploy-api",
  "builder",
  "runner",
  "router",
  "log-hub",
  "trace-collector",
  "console",
  "cli",
] as const;

/** The folder that holds `apps`. */
const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** Where the processes of a service begin, or `undefined` when it is not installed here. */
export function mainOf(service: string): string | undefined {
  const file = join(ROOT, "apps", service, "src", "main.ts");
  return existsSync(file) ? file : undefined;
}

/** Folder of the trace pages, or `undefined` when they are not built here. */
export function pagesFolder(): string | undefined {
  const folder = join(ROOT, "apps", "console", "dist", "pages");
  return existsSync(join(folder, "index.html")) ? folder : undefined;
}

/**
 * The processes of a platform, in stages: who is stopped first comes last.
 * @param hasConsole whether the web page is there too
 */
export function membersOf(sizes: Sizes, hasConsole: boolean): Member[][] {
  const one = (service: string, about: Partial<Member> = {}): Member[] => [
    { node: service, service, hasHttp: false, hasPipe: false, ...about },
  ];
  const many = (service: string, count: number, hasHttp = false): Member[] =>
    Array.from({ length: count }, (_, at) => ({
      node: `${service}-${at + 1}`,
      service,
      hasHttp,
      hasPipe: false,
    }));
  return [
    [...one("log-hub"), ...one("trace-collector", { hasHttp: true, hasPipe: true })],
    one("deploy-api"),
    many("runner", sizes.runners),
    many("router", sizes.routers, true),
    many("builder", sizes.builders),
    hasConsole ? one("console", { hasHttp: true }) : [],
  ];
}

/** How one process of a platform is started. */
export function specOf(node: NodeRecord, record: PlatformRecord, dataFolder: string): ProcessSpec {
  return {
    node: node.node,
    args: ["-C", "@zeroplane/source", mainOf(node.service) ?? ""],
    cwd: ROOT,
    env: environmentOf(node, record, dataFolder),
    log: join(dataFolder, "logs", `${node.node}.log`),
  };
}

/** Where Node keeps what it has compiled: the next start is faster, and every thread takes less memory. */
export const compileCache = (dataFolder: string): NodeJS.ProcessEnv => ({
  NODE_COMPILE_CACHE: join(dataFolder, "cache"),
});

function environmentOf(
  { node, service, endpoint, http, pipe }: NodeRecord,
  record: PlatformRecord,
  dataFolder: string,
): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ZP_"));
  return {
    ...Object.fromEntries(inherited),
    ...(process.env["ZP_LOG_LEVEL"] && { ZP_LOG_LEVEL: process.env["ZP_LOG_LEVEL"] }),
    ZP_NODE: node,
    ZP_BIND: endpoint,
    ZP_KEYS: record.keys,
    ZP_DATA: join(dataFolder, node),
    ...compileCache(dataFolder),
    ZP_DEPLOY_API: record.api,
    ZP_LOGS: record.logs,
    ZP_LOG_QUERIES: record.logs,
    ZP_TRACE_QUERIES: record.traces,
    ...(record.traceHttp !== undefined && { ZP_TRACE_HTTP: record.traceHttp }),
    // A collector that traced itself would never come to rest.
    ...(service !== "trace-collector" && {
      ZP_TRACES: record.pipe,
      ZP_SPOOL: join(dataFolder, "spool"),
    }),
    ...(http !== undefined && { ZP_HTTP_PORT: new URL(http).port }),
    ...(pipe !== undefined && { ZP_PIPE: pipe }),
  };
}
