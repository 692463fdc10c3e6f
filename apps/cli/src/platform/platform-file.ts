import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One process of a platform. */
export interface NodeRecord {
  /** Its name, `builder-1`. */
  readonly node: string;
  /** Its kind, `builder`; the name of its keys. */
  readonly service: string;
  /** Where it answers calls. */
  readonly endpoint: string;
  /** Where it takes HTTP, when it does. */
  readonly http?: string;
  /** Where it takes spans, when it does. */
  readonly pipe?: string;
}

/** Where everything of a platform is found. */
export interface PlatformRecord {
  readonly version: 1;
  /** Folder of its keys. */
  readonly keys: string;
  readonly api: string;
  readonly logs: string;
  readonly traces: string;
  readonly pipe: string;
  /** Where the trace collector takes OTLP and answers queries, `http://host:port/`. */
  readonly traceHttp?: string;
  /** Where apps answer. */
  readonly routers: readonly string[];
  readonly console?: string;
  readonly nodes: readonly NodeRecord[];
}

const NAME = "platform.json";

/** The file `platform.json` of a data folder. */
export class PlatformFile {
  readonly path: string;

  /** @param folder the data folder */
  constructor(folder: string) {
    this.path = join(folder, NAME);
  }

  /** What it says, or `undefined` when it is not there, or says nothing that makes sense. */
  read(): PlatformRecord | undefined {
    try {
      const value: unknown = JSON.parse(readFileSync(this.path, "utf8"));
      return isRecord(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  /** Replaces it as a whole: a reader never sees half of it. */
  write(record: PlatformRecord): void {
    const next = `${this.path}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(next, this.path);
  }
}

/** The record of a platform of these processes. */
export function recordOf(keys: string, nodes: readonly NodeRecord[]): PlatformRecord {
  const of = (service: string): readonly NodeRecord[] =>
    nodes.filter((each) => each.service === service);
  const endpointOf = (service: string): string => of(service)[0]?.endpoint ?? "";
  const [page] = of("console");
  const [collector] = of("trace-collector");
  return {
    version: 1,
    keys,
    api: endpointOf("deploy-api"),
    logs: endpointOf("log-hub"),
    traces: endpointOf("trace-collector"),
    pipe: collector?.pipe ?? "",
    ...(collector?.http !== undefined && { traceHttp: collector.http }),
    routers: of("router").flatMap(({ http }) => http ?? []),
    ...(page?.http !== undefined && { console: page.http }),
    nodes,
  };
}

function isRecord(value: unknown): value is PlatformRecord {
  if (typeof value !== "object" || value === null) return false;
  const { version, keys, api, nodes } = value as Partial<PlatformRecord>;
  return (
    version === 1 &&
    typeof keys === "string" &&
    typeof api === "string" &&
    Array.isArray(nodes) &&
    nodes.every(({ node, service, endpoint }: Partial<NodeRecord>) =>
      [node, service, endpoint].every((each) => typeof each === "string"),
    )
  );
}
