import { setTimeout as sleep } from "node:timers/promises";
import type { DeployApi } from "@zeroplane/deploy-api";
import { connect } from "@zeroplane/rpc";
import { type ProcessInfo, readIdentity } from "@zeroplane/runtime";
import { CliError } from "../cli-error.ts";
import type { NodeRecord, PlatformRecord } from "./platform-file.ts";

/** How readiness is waited for. */
export interface ReadinessOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Hears of each process that is ready. */
  readonly onReady: (node: string) => void;
}

const TRY_MS = 2_000;
const PAUSE_MS = 100;

/**
 * Waits until every process says that it is well, and the deploy API sees every one that works for
 * it.
 * @throws CliError ERR_CLI_START naming those that are not, after `timeoutMs`
 */
export async function awaitReady(record: PlatformRecord, options: ReadinessOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  const waiting = new Map<string, string>();
  const isLate = (): boolean => performance.now() >= deadline;
  const each = record.nodes.map(async (node) => {
    waiting.set(node.node, "no answer");
    await using client = clientOf<{ process: ProcessInfo }>(record, node, options.signal);
    while (!isLate()) {
      const problem = await problemOf(() => client.process.health());
      options.signal.throwIfAborted();
      if (problem === undefined) {
        waiting.delete(node.node);
        options.onReady(node.node);
        return;
      }
      waiting.set(node.node, problem);
      await sleep(PAUSE_MS, undefined, { signal: options.signal });
    }
  });
  await Promise.all(each);
  while (waiting.size === 0 && !isLate()) {
    const problem = await missingOf(record, options.signal);
    if (problem === undefined) return;
    await sleep(PAUSE_MS, undefined, { signal: options.signal });
    if (isLate()) waiting.set("deploy-api", problem);
  }
  const names = [...waiting].map(([node, problem]) => `${node}: ${problem}`).join("; ");
  throw new CliError("ERR_CLI_START", `not ready after ${options.timeoutMs / 1_000} s: ${names}`);
}

function clientOf<T extends object>(record: PlatformRecord, node: NodeRecord, signal: AbortSignal) {
  const keys = readIdentity("cli", record.keys).dial(node.service);
  return connect<T>(node.endpoint, { keys, node: "zp-up", timeoutMs: TRY_MS, signal });
}

async function problemOf(ask: () => PromiseLike<unknown>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What the deploy API does not see yet. */
async function missingOf(record: PlatformRecord, signal: AbortSignal): Promise<string | undefined> {
  const api = record.nodes.find(({ service }) => service === "deploy-api");
  if (api === undefined) return undefined;
  await using client = clientOf<DeployApi>(record, api, signal);
  const { routers, runners, builders } = await client.platform.status();
  const seen = [routers, runners, builders.filter(({ up }) => up)].flat();
  const here = new Set(seen.map(({ node }) => node));
  const expected = record.nodes.filter(({ service }) =>
    ["router", "runner", "builder"].includes(service),
  );
  const missing = expected.filter(({ node }) => !here.has(node)).map(({ node }) => node);
  return missing.length === 0 ? undefined : `does not see ${missing.join(", ")}`;
}
