import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CliError, usage } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { Interrupts } from "../interrupts.ts";
import { compileCache, mainOf, pagesFolder } from "../platform/members.ts";

const DAY_MS = 86_400_000;
const IMPORT_MS = 60_000;

/** Options of the trace collector alone. */
export interface ServeTracesOptions {
  readonly port: number;
  readonly data?: string;
  readonly host?: string;
  readonly keepDays?: number;
  /** Where everything is sent on to as OTLP/HTTP. */
  readonly tee?: string;
  readonly teeHeaders?: string;
}

/** `zp traces --port`: the trace collector alone, with OTLP/HTTP and its queries on one port, until it is interrupted. */
export async function serveTraces(options: ServeTracesOptions, context: Context): Promise<void> {
  const main = mainOf("trace-collector");
  if (main === undefined)
    throw new CliError("ERR_CLI_START", "the trace collector is not installed here");
  const { port, host = "127.0.0.1", keepDays, tee, teeHeaders } = options;
  const data = resolve(context.cwd, options.data ?? "traces");
  const pages = pagesFolder();
  using interrupts = new Interrupts();
  const child = spawn(process.execPath, ["-C", "@zeroplane/source", main], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...compileCache(data),
      ...context.env,
      ZP_DATA: data,
      ZP_HTTP_PORT: String(port),
      ZP_HTTP_HOST: host,
      ...(pages !== undefined && { ZP_PAGES: pages }),
      ...(keepDays !== undefined && { ZP_RETENTION_MS: String(keepDays * DAY_MS) }),
      ...(tee !== undefined && { ZP_TEE: tee }),
      ...(teeHeaders !== undefined && { ZP_TEE_HEADERS: teeHeaders }),
    },
  });
  const exited = once(child, "exit");
  context.terminal.note(
    `traces in ${data}; send OTLP to http://${host}:${port}/v1/traces, look at http://${host}:${port}/traces`,
  );
  await Promise.race([interrupts.first(), exited]);
  if (child.exitCode === null) child.kill("SIGTERM");
  const [code] = (await exited) as [number | null];
  if (code !== 0 && code !== null)
    throw new CliError("ERR_CLI_START", `the trace collector ended with status ${code}`);
}

const TYPE = { "content-type": "application/json" };

/** `zp traces import`: sends a file of OTLP/JSON, such as an exported trace, to a collector. */
export async function importTraces(file: string, url: string, context: Context): Promise<void> {
  const path = resolve(context.cwd, file);
  const body = await readFile(path).catch((error: Error) => {
    throw usage(`${path} cannot be read: ${error.message}`);
  });
  const target = URL.parse("/v1/traces", url);
  if (target === null) throw usage(`${url} is no URL; say --to http://HOST:PORT`);
  const signal = AbortSignal.timeout(IMPORT_MS);
  const response = await fetch(target, { method: "POST", headers: TYPE, body, signal }).catch(
    (error: Error) => {
      throw new CliError("ERR_CLI_NOBODY", `nobody takes traces at ${url}: ${error.message}`, {
        cause: error,
      });
    },
  );
  const answer = (await response.json()) as {
    detail?: string;
    partialSuccess?: { errorMessage: string };
  };
  if (!response.ok)
    throw new CliError("ERR_CLI_LOAD", `${file} was refused: ${answer.detail ?? response.status}`);
  const { errorMessage } = answer.partialSuccess ?? {};
  context.terminal.note(
    errorMessage === undefined ? `imported ${file}` : `imported ${file} without ${errorMessage}`,
  );
}
