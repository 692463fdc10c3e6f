import { type AnsweredCall, onAnswered } from "./call-events.ts";

/** Which calls are shown. */
export interface CallFilter {
  /** Only methods whose name has this in it. */
  readonly method?: string;
  /** Only those that failed. */
  readonly errors?: boolean;
  /** Only those that took at least this long. */
  readonly minMs?: number;
  /** Share of them that is shown, above 0 and up to 1 (default 1). */
  readonly sample?: number;
}

/** One call that went by. */
export interface TappedCall extends AnsweredCall {
  /** Milliseconds since 1970, when it was answered. */
  readonly atMs: number;
  /** Calls since the one before that fitted and found no place. */
  readonly dropped: number;
}

const CALLS_MAX = 1_024;
/** Questions about the process itself are no traffic. */
const OWN = /\b_?process\.\w+$/;

/**
 * The calls that this process answers from now on, those that fit `filter`, for a reader that may
 * be slow: 1 024 wait for it, further ones are dropped and counted.
 * @throws RangeError when `sample` is no share
 */
export async function* tapCalls(filter: CallFilter): AsyncGenerator<TappedCall, void, undefined> {
  const { sample = 1 } = filter;
  if (!(sample > 0 && sample <= 1))
    throw new RangeError(`sample is above 0 and up to 1: ${sample}`);
  let waiting: TappedCall[] = [];
  let dropped = 0;
  let share = 1;
  let wake = (): void => undefined;
  const stop = onAnswered((call) => {
    if (!fits(call, filter)) return;
    share += sample;
    if (share < 1) return;
    share -= Math.floor(share);
    if (waiting.length >= CALLS_MAX) return void dropped++;
    waiting.push({ ...call, atMs: Date.now(), dropped });
    dropped = 0;
    wake();
  });
  try {
    for (;;) {
      const calls = waiting;
      waiting = [];
      yield* calls;
      if (waiting.length === 0) await new Promise<void>((go) => (wake = go));
    }
  } finally {
    stop();
  }
}

function fits({ method, ms, error }: AnsweredCall, filter: CallFilter): boolean {
  if (OWN.test(method)) return false;
  if (filter.method !== undefined && !method.includes(filter.method)) return false;
  if (filter.errors === true && error === undefined) return false;
  return filter.minMs === undefined || ms >= filter.minMs;
}
