import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";

/** Variables of the host that a build may see: how to reach the network and how to print. */
const KEPT = `
  LANG LC_ALL TZ NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR
  HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy
  npm_config_registry npm_config_userconfig npm_config_globalconfig npm_config_cafile
  PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CERT PIP_CONFIG_FILE
`
  .trim()
  .split(/\s+/);

/** Folders of one build. */
export interface BuildFolders {
  readonly home: string;
  readonly temporary: string;
  /** Kept between builds: what package managers downloaded. */
  readonly downloads: string;
}

/**
 * The environment of build steps: nothing of the builder's own but PATH (the running Node first) and
 * what a package manager needs to reach its registry, the user's `.npmrc` included.
 * @param folders where the build may write
 * @param host environment of the builder (default `process.env`)
 */
export function buildEnv(
  folders: BuildFolders,
  host: Readonly<NodeJS.ProcessEnv> = process.env,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of KEPT) {
    const value = host[name];
    if (value !== undefined) env[name] = value;
  }
  const npmrc = join(host["HOME"] ?? homedir(), ".npmrc");
  if (env["npm_config_userconfig"] === undefined && existsSync(npmrc)) {
    env["npm_config_userconfig"] = npmrc;
  }
  return {
    ...env,
    PATH: [dirname(process.execPath), host["PATH"] ?? "/usr/bin:/bin"].join(delimiter),
    HOME: folders.home,
    TMPDIR: folders.temporary,
    CI: "1",
    NO_COLOR: "1",
    npm_config_cache: join(folders.downloads, "npm"),
    npm_config_update_notifier: "false",
    PIP_CACHE_DIR: join(folders.downloads, "pip"),
  };
}
