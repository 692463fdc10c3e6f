import { PatternError } from "../errors.ts";

const TOPIC_CHARACTERS_MAX = 255;

/**
 * Topics are words joined by dots. In a pattern `*` is any one word and a last `>` any rest
 * (NATS's rules); matching is by segments, never by a regular expression from the wire.
 */
export function matches(pattern: string, topic: string): boolean {
  const wanted = pattern.split(".");
  const words = topic.split(".");
  for (const [at, want] of wanted.entries()) {
    if (want === ">") return at === wanted.length - 1 && at < words.length;
    if (at >= words.length || (want !== "*" && want !== words[at])) return false;
  }
  return wanted.length === words.length;
}

/** What every topic of `pattern` begins with: what the publisher's socket can filter by. */
export function prefixOf(pattern: string): string {
  const fixed: string[] = [];
  for (const word of pattern.split(".")) {
    if (word === "*" || word === ">") return fixed.map((each) => `${each}.`).join("");
    fixed.push(word);
  }
  return fixed.join(".");
}

/** True when one of `patterns` matches. */
export const matchesAny = (patterns: readonly string[], topic: string): boolean =>
  patterns.some((pattern) => matches(pattern, topic));

/** @throws PatternError ERR_BAD_TOPIC when nothing can be published under `topic` */
export function requireTopic(topic: string): void {
  const words = topic.split(".");
  if (topic.length <= TOPIC_CHARACTERS_MAX && !topic.includes("\0") && !words.includes("")) return;
  const shown = JSON.stringify(topic.slice(0, 40));
  const rule = `words joined by dots, at most ${TOPIC_CHARACTERS_MAX} characters, no zero byte`;
  throw new PatternError("ERR_BAD_TOPIC", `${shown} is no topic: ${rule}`);
}
