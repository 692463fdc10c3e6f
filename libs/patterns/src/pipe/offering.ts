import { setTimeout as sleep } from "node:timers/promises";
import type { SafeSocket } from "@zeroplane/link";

const RETRY_MS_MIN = 1;
const RETRY_MS_MAX = 100;

/** What happens while a record waits to be taken. */
export interface Offering {
  /** True when it is no longer to be sent. */
  readonly isOver: () => boolean;
  /** Called each time that it was not taken. */
  readonly onWait?: () => void;
}

/**
 * Offers `frames` until libzmq takes them: it is full for a moment, or nobody is there. Again soon,
 * then less and less often (1 to 100 ms).
 * @returns false when it was over before
 */
export async function offerUntilTaken(
  socket: SafeSocket,
  frames: readonly Uint8Array[],
  { isOver, onWait }: Offering,
): Promise<boolean> {
  for (let waitMs = RETRY_MS_MIN; !isOver(); waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
    if (await socket.offer(frames)) return true;
    onWait?.();
    await sleep(waitMs);
  }
  return false;
}
