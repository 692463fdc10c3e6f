/**
 * Asks the process that listens at `ZP_BIND` whether it is well: the health check of a container.
 * Exit status 0 when it is, 1 with a line when it is not.
 *
 *     node -C @zeroplane/source health-check.ts <service>
 */
import { toDial } from "@zeroplane/link";
import { connect } from "@zeroplane/rpc";
import { BaseConfig, readConfig } from "./config.ts";
import { readIdentity } from "./identity.ts";
import type { ProcessInfo } from "./process-info.ts";

const TIMEOUT_MS = 3_000;

try {
  const service = process.argv[2] ?? "";
  const config = readConfig(BaseConfig, process.env);
  const keys = readIdentity(service, config.ZP_KEYS).dial(service);
  const options = { keys, timeoutMs: TIMEOUT_MS };
  await using client = connect<{ process: ProcessInfo }>(toDial(config.ZP_BIND), options);
  await client.process.health();
} catch (error) {
  process.stderr.write(`unhealthy: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
