import { delimiter, dirname } from "node:path";
import type { DesiredInstance } from "@zeroplane/deploy-api";

/**
 * The whole environment of an instance: what its release gives it, PATH with the running Node first,
 * and what only the runner knows. Nothing else of the runner's own environment.
 * @param desired the instance
 * @param home a folder it may write to
 * @param port where it must listen
 */
export function instanceEnv(
  desired: DesiredInstance,
  home: string,
  port: number,
): Record<string, string> {
  const path = [dirname(process.execPath), process.env["PATH"] ?? "/usr/bin:/bin"];
  return {
    PATH: path.join(delimiter),
    HOME: home,
    ...desired.env,
    PORT: String(port),
    ZP_APP: desired.app,
    ZP_INSTANCE: desired.id,
    ZP_RELEASE: desired.release,
    ...(desired.traceparent === undefined ? {} : { TRACEPARENT: desired.traceparent }),
  };
}
