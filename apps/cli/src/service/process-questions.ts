import { CliError } from "../cli-error.ts";
import type { Remote } from "./remote.ts";

/**
 * Under which names a service tells of its process: `process.` in a process of the platform,
 * `_process.` behind `zp serve`.
 * @throws CliError ERR_CLI_UNSUPPORTED when it is no service of ours
 */
export async function processPrefix(remote: Remote): Promise<string> {
  if (remote.dialect === "zp1") {
    const { methods } = await remote.describe();
    if (Object.hasOwn(methods, "process.calls")) return "process.";
    const answers = await remote.call("_process.ping", []).then(
      () => true,
      () => false,
    );
    if (answers) return "_process.";
  }
  const text = `${remote.target.name} does not tell of its process`;
  throw new CliError("ERR_CLI_UNSUPPORTED", `${text}; zp serve and our processes do`);
}
