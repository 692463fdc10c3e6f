import { RpcError } from "../errors.ts";
import type { ZerorpcEvent } from "./event.ts";

/**
 * The arguments of a request, spread as Python spreads whatever it gets: text into its letters,
 * bytes into numbers, a map into its keys.
 * @throws RpcError ERR_INVALID_ARGUMENTS when they cannot be read or spread
 */
export function spread({ name, args, refusal }: ZerorpcEvent): unknown[] {
  if (refusal !== undefined) refuse(name, refusal);
  if (Array.isArray(args)) return args;
  if (typeof args === "string" || args instanceof Uint8Array) return [...args];
  if (typeof args === "object" && args !== null && !(args instanceof Date)) {
    return Object.keys(args);
  }
  return refuse(name, "its arguments must be an array");
}

function refuse(name: string, why: string): never {
  throw new RpcError("ERR_INVALID_ARGUMENTS", `${name}: ${why}`);
}
