import type { SessionState } from "./settings.ts";

const WAIT_MS_MIN = 2_500;
/** The first time a listener may have thousands to let in, and needs them to wait. */
const FIRST_WAIT_MS = 8_000;
const WAIT_MS_MAX = 15_000;

/** What is watched: the state of a session. */
export interface Watched {
  readonly state: SessionState;
  watch(watch: (state: SessionState) => void): () => void;
}

/**
 * Calls `redial` while nobody answers: 2.5 to 5 s after a loss (at first 8 to 16), then less often. libzmq itself connects
 * again after a lost connection, but never after a protocol error, and one flipped bit or a
 * stranger on the port is enough for that.
 */
export function redialWhileAway(session: Watched, redial: () => void): void {
  let waitMs = FIRST_WAIT_MS;
  let timer: NodeJS.Timeout | undefined;
  // Many dialers that lost one listener must not come back at one moment.
  const arrange = (): NodeJS.Timeout => setTimeout(again, waitMs * (1 + Math.random()));
  const again = (): void => {
    redial();
    waitMs = Math.min(WAIT_MS_MAX, waitMs * 2);
    timer = arrange();
  };
  const look = (state: SessionState): void => {
    if (state === "opening" || state === "down") {
      timer ??= arrange();
      return;
    }
    clearTimeout(timer);
    timer = undefined;
    waitMs = WAIT_MS_MIN;
  };
  session.watch(look);
  look(session.state);
}
