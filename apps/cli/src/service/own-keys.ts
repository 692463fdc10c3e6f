import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Keyring, type ListenKeys, trustKeyring } from "@zeroplane/link";
import { usage } from "../cli-error.ts";
import type { Context } from "../context.ts";

/** How a service is told which keys it has. */
export interface OwnKeyOptions {
  /** Folder of keys (default `ZP_KEYS`). */
  readonly keys?: string;
  /** Whose pair in it (default the service's name). */
  readonly service?: string;
}

/** The keys that a service listens with. */
export interface OwnKeys {
  /** Whose they are. */
  readonly service: string;
  readonly listen: ListenKeys;
}

/**
 * The keys for a service named `name`; `undefined` when no folder was named.
 * @throws CliError ERR_CLI_USAGE without that folder, LinkError ERR_LINK_KEY without that pair
 */
export function ownKeys(
  name: string,
  { keys, service = name }: OwnKeyOptions,
  { env, cwd }: Context,
): OwnKeys | undefined {
  const named = keys ?? (env["ZP_KEYS"] || undefined);
  if (named === undefined) return undefined;
  const folder = resolve(cwd, named);
  if (!existsSync(folder))
    throw usage(`no folder of keys at ${folder}; make one with: zp keys new`);
  const keyring = new Keyring(folder);
  return { service, listen: { key: keyring.pair(service), trust: trustKeyring(keyring) } };
}
