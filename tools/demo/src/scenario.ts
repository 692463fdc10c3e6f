import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Deploy } from "@zeroplane/deploy-api";
import type { Trace } from "@zeroplane/trace-collector";
import type { Zp } from "./zp.ts";

/** How one app of the demo went. */
export interface AppReport {
  readonly name: string;
  readonly url: string;
  /** What a request by host name was answered with. */
  readonly status: number;
  readonly buildMs: number;
  readonly deployMs: number;
  readonly traceId: string;
  readonly spans: number;
  readonly services: readonly string[];
}

/** How the deploy that is broken on purpose failed. */
export interface FailedReport {
  readonly name: string;
  readonly phase: string;
  readonly error: string;
}

interface Deployed {
  readonly deploy: Deploy;
  readonly totalMs: number;
}

const SAMPLES = fileURLToPath(new URL("../../samples/", import.meta.url));
/** Every process that a deploy goes through must be in its trace. */
export const SERVICES = ["cli", "deploy-api", "builder", "runner", "router"] as const;
const TRACE_MS = 15_000;
const POLL_MS = 300;
const ANSWER_MS = 10_000;

/** Deploys a sample, asks it for its page, and waits for its whole trace. */
export async function deployApp(zp: Zp, name: string, folder: string): Promise<AppReport> {
  const deployed = await zp.json<Deployed>(["deploy", SAMPLES + folder, "--app", name]);
  const { id, url, build, traceId = "", failure } = deployed.deploy;
  if (url === undefined || build === undefined) {
    throw new Error(`${name} (${id}) was not deployed: ${failure?.message ?? "no reason"}`);
  }
  const status = await statusOf(url);
  const { spans, services } = await traceOf(zp, traceId);
  const { buildMs } = build;
  return { name, url, status, buildMs, deployMs: deployed.totalMs, traceId, spans, services };
}

/** Deploys what does not build, and gives the error that the user has seen. */
export async function deployBroken(zp: Zp, name: string, folder: string): Promise<FailedReport> {
  const { deploy } = await zp.json<Deployed>(["deploy", SAMPLES + folder, "--app", name]);
  const { failure } = deploy;
  if (failure === undefined) throw new Error(`${name} was meant to fail and is ${deploy.state}`);
  return { name, phase: failure.phase, error: failure.message };
}

async function traceOf(
  zp: Zp,
  traceId: string,
): Promise<{ readonly spans: number; readonly services: readonly string[] }> {
  const deadline = performance.now() + TRACE_MS;
  for (;;) {
    const { spans } = await zp
      .json<Trace>(["trace", traceId], { quiet: true })
      .catch(() => ({ spans: [] }));
    const services = [...new Set(spans.map(({ service }) => service))].sort();
    const whole = SERVICES.every((service) => services.includes(service));
    if (whole || performance.now() > deadline) return { spans: spans.length, services };
    await sleep(POLL_MS);
  }
}

/** Asks for a page by host name, as a browser does; `*.localhost` need not be known to the system. */
function statusOf(url: string): Promise<number> {
  const { host, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const asked = request({ host: "127.0.0.1", port, headers: { host }, signal }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once("error", reject);
    asked.end();
  });
}
