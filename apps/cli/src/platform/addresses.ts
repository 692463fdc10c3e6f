import type { Member } from "./members.ts";
import type { NodeRecord, PlatformRecord } from "./platform-file.ts";
import { Ports } from "./ports.ts";

/** Ports that somebody asked for. */
export interface WantedPorts {
  /** HTTP of the first router. */
  readonly http?: number | undefined;
  /** Calls of the deploy API. */
  readonly api?: number | undefined;
}

const FIRST_ROUTER = "router-1";
const API = "deploy-api";

/**
 * Gives every process its addresses: those it had before, where they are still free.
 * @throws CliError ERR_CLI_PORT when a port that was asked for is taken
 */
export async function addressesOf(
  members: readonly Member[],
  wanted: WantedPorts,
  before: PlatformRecord | undefined,
): Promise<NodeRecord[]> {
  const ports = new Ports();
  const asked = new Map<string, number>();
  if (wanted.http !== undefined) {
    asked.set(`http ${FIRST_ROUTER}`, await ports.claim(wanted.http, "HTTP of the first router"));
  }
  if (wanted.api !== undefined) {
    asked.set(`rpc ${API}`, await ports.claim(wanted.api, "the deploy API"));
  }
  const portOf = async (name: string, address: string | undefined): Promise<number> =>
    asked.get(name) ?? (await ports.pick(portIn(address)));
  const nodes: NodeRecord[] = [];
  for (const { node, service, hasHttp, hasPipe } of members) {
    const old = before?.nodes.find((each) => each.node === node);
    const endpoint = `tcp://127.0.0.1:${await portOf(`rpc ${node}`, old?.endpoint)}`;
    const http = hasHttp ? await portOf(`http ${node}`, old?.http) : undefined;
    const pipe = hasPipe ? await portOf(`pipe ${node}`, old?.pipe) : undefined;
    nodes.push({
      node,
      service,
      endpoint,
      ...(http !== undefined && { http: `http://localhost:${http}` }),
      ...(pipe !== undefined && { pipe: `tcp://127.0.0.1:${pipe}` }),
    });
  }
  return nodes;
}

function portIn(address: string | undefined): number | undefined {
  const [, port] = /:(\d+)$/.exec(address ?? "") ?? [];
  return port === undefined ? undefined : Number(port);
}
