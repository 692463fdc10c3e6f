import { codeOf } from "@zeroplane/link";
import type { PendingCall } from "./pending-call.ts";
import type { Pool } from "./pool.ts";
import { ONCE_OF } from "./wire.ts";

const BACKOFF_MS = 20;
const BACKOFF_MS_MAX = 1_000;
/** Errors that say that the call may have happened. */
const MAYBE: ReadonlySet<string | undefined> = new Set(["ERR_LOST_REMOTE"]);

/** Lets further attempts be a share of all calls, so that they never become a storm. */
export class Budget {
  readonly #share: number;
  readonly #max: number;
  #tokens: number;

  /** @param share of calls that may have one more attempt @param max attempts saved up */
  constructor(share: number, max: number) {
    this.#share = share;
    this.#max = max;
    this.#tokens = max;
  }

  /** A call was made. */
  earn(): void {
    this.#tokens = Math.min(this.#max, this.#tokens + this.#share);
  }

  /** @returns false when too many were made lately */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/** How often a failed call is made again, and when. */
export interface RetryOptions {
  /** Further attempts (default 2). */
  readonly max?: number;
  /** Wait before the first, doubled for each further one, with jitter (default 20 ms, at most 1 s). */
  readonly backoffMs?: number;
}

/**
 * Makes a failed call again within its deadline: always when it surely did not happen, and when it
 * may have only if it is idempotent. Further attempts are at most a fifth of all calls, after the
 * first hundred.
 */
export class Retry {
  readonly #pool: Pool;
  readonly #budget = new Budget(0.2, 100);

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** A call was made. */
  made(): void {
    this.#budget.earn();
  }

  /** @returns true when `call` will be made again, and `error` is not its end */
  again(call: PendingCall, error: unknown): boolean {
    const { max = 2, backoffMs = BACKOFF_MS } = call.policy.retry;
    if (codeOf(error) === "ERR_OVERLOADED") this.#pool.overloaded(call.carrier);
    if (!this.#isSafe(call, error) || call.attempts >= max || !this.#budget.spend()) return false;
    if (call.carrier !== undefined) call.avoid.push(call.carrier);
    const waitMs = Math.min(BACKOFF_MS_MAX, backoffMs * 2 ** call.attempts++);
    const jittered = waitMs * (0.5 + Math.random() / 2);
    const nowMs = performance.now();
    if (nowMs + jittered >= call.deadlineMs) return false;
    setTimeout(() => {
      if (!call.ended) this.#pool.start(call, performance.now());
    }, jittered);
    return true;
  }

  #isSafe(call: PendingCall, error: unknown): boolean {
    if (call.hasStreams || call.isStream) return false;
    const { retryable } = error as { readonly retryable?: unknown };
    const isOurs = (error as Error | undefined)?.name === "RpcError";
    if (isOurs && retryable === true) return true;
    if (!isOurs || !MAYBE.has(codeOf(error))) return false;
    return call.policy.idempotent || (call.policy.once && askAgain(call));
  }
}

/** The process that had the call still has its answer: no other one may run it. */
function askAgain(call: PendingCall): boolean {
  const { ranIn, headers } = call;
  if (ranIn === undefined || (headers?.[ONCE_OF] ?? ranIn) !== ranIn) return false;
  call.headers = { ...headers, [ONCE_OF]: ranIn };
  return true;
}
