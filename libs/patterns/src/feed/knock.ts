import type { Session } from "@zeroplane/link";
import { type NamedHandler, UNKNOWN } from "../names.ts";
import { BEAT_MS } from "./protocol.ts";

/** What a session is told until the other side has something of that name. */
export interface Knock {
  /** Takes what comes, in place of the handler. */
  readonly handler: NamedHandler;
  readonly end: () => void;
}

/**
 * Says something whenever the session is up, and again until it is answered: the other side may
 * open its end later, or close it and open another one.
 * @param handler hears what comes, and of a reset when what was there is gone
 */
export function knock(session: Session, handler: NamedHandler, say: () => void): Knock {
  let isAnswered = false;
  const again = (): void => {
    if (!isAnswered && session.state === "up") say();
  };
  const stop = session.watch((state) => {
    if (state !== "up") return;
    isAnswered = false;
    say();
  });
  const timer = setInterval(again, BEAT_MS).unref();
  again();
  return {
    handler: {
      ...handler,
      receive: (message) => {
        const isGone = message[0] === UNKNOWN;
        if (isGone && isAnswered) handler.reset?.();
        isAnswered = !isGone;
        if (!isGone) handler.receive(message);
      },
    },
    end: () => {
      stop();
      clearInterval(timer);
    },
  };
}
