import { codeOf, type Session } from "@zeroplane/link";
import { type Message, tell } from "../channel.ts";
import { VERB_WORK } from "../verbs.ts";

/** Sends `message`. @returns false when the peer takes nothing: its session ends, or has no room */
export function say(session: Session, message: Message): boolean {
  try {
    tell(session, VERB_WORK, message);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code !== "ERR_LINK_OVERLOADED" && code !== "ERR_LINK_CLOSED") throw error;
    return false;
  }
}
