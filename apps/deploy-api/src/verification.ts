import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { currentTraceparent, inSpan } from "@zeroplane/tracing";
import { ApiError } from "./api-error.ts";
import type { RouterInfo } from "./routers.ts";

/** The answer that proves that a new instance serves. */
interface Answer {
  readonly status: number;
  readonly instance: string | undefined;
}

/** What is to be seen. */
export interface Expected {
  /** Host name of the app. */
  readonly host: string;
  /** The new instances. */
  readonly ids: readonly string[];
  readonly signal: AbortSignal;
}

const TRIES = 20;
const TRY_MS = 5_000;
const PAUSE_MS = 100;
const SERVER_ERROR = 500;

/**
 * Asks every router for `/` of the app until a new instance has answered it.
 * @returns one line for each router
 * @throws ApiError ERR_NO_CAPACITY without a router, ERR_NOT_SERVED when one does not lead there
 */
export async function verifyServed(
  routers: readonly RouterInfo[],
  expected: Expected,
): Promise<readonly string[]> {
  if (routers.length === 0) {
    throw new ApiError("ERR_NO_CAPACITY", "no router is there to serve the app; start one");
  }
  return Promise.all(routers.map((router) => verifyRouter(router, expected)));
}

async function verifyRouter(router: RouterInfo, expected: Expected): Promise<string> {
  let seen = "no answer";
  for (let left = TRIES; left > 0; left--) {
    expected.signal.throwIfAborted();
    try {
      const { status, instance } = await ask(router, expected.host);
      if (status < SERVER_ERROR && expected.ids.includes(instance ?? "")) {
        return `${status} from ${instance} through ${router.node}`;
      }
      seen = `status ${status} from ${instance ?? "the router itself"}`;
    } catch (error) {
      seen = String(error);
    }
    await sleep(PAUSE_MS, undefined, { signal: expected.signal });
  }
  const text = `${expected.host} is not served through ${router.node}: ${seen}`;
  throw new ApiError("ERR_NOT_SERVED", text);
}

function ask(router: RouterInfo, host: string): Promise<Answer> {
  return inSpan("GET /", { "server.address": host, "url.full": router.url }, () => {
    const traceparent = currentTraceparent();
    const headers = { host, "user-agent": "zeroplane-verify", ...(traceparent && { traceparent }) };
    return new Promise<Answer>((resolve, reject) => {
      const signal = AbortSignal.timeout(TRY_MS);
      const asked = request(
        new URL("/", router.url),
        { headers, signal, agent: false },
        (response) => {
          const instance = response.headers["x-zp-instance"];
          const status = response.statusCode ?? 0;
          response.resume();
          resolve({ status, instance: Array.isArray(instance) ? instance[0] : instance });
        },
      );
      asked.on("error", reject);
      asked.end();
    });
  });
}
