import type { DialKeys, DialOptions, Headers, Interceptor } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import type { Gap } from "./follower-core.ts";
import type { MaxLag, SlowPolicy } from "./inbox.ts";
import type { Origin } from "./message.ts";
import type { From, Reset } from "./publishers.ts";

/** One message as a follower gets it. */
export interface FeedItem<T> {
  readonly topic: string;
  /** Counts every message of the feed, from 1. */
  readonly seq: number;
  /** When it was put, milliseconds since 1970. */
  readonly atMs: number;
  readonly headers: Headers;
  readonly value: T;
  /** Name of the process that put it. */
  readonly node: string;
  /** Which life of that process. */
  readonly epoch: number;
}

/** Messages between two numbers, inclusive, may be lost for good, or were skipped. */
export interface FeedGap {
  readonly gap: Gap & Origin;
}

/** A publisher came back without its history: its numbers begin again. */
export interface FeedReset {
  readonly reset: Reset;
}

/** What the iteration of a follower gives: `"gap" in event` and `"reset" in event` tell them apart. */
export type FeedEvent<T> = FeedItem<T> | FeedGap | FeedReset;

/** Options of followers. */
export interface FollowOptions<T> {
  /**
   * Called with each message, in order per topic and once. Without it the follower is iterated:
   * `for await (const event of follower)`.
   */
  readonly onItem?: (item: FeedItem<T>) => void;
  /** Called when messages may be lost for good. */
  readonly onGap?: (gap: Gap & Origin) => void;
  /** Patterns of topics: `*` is one word, a last `>` is any rest (default everything). */
  readonly topics?: readonly string[];
  /**
   * Where to begin with a publisher that is met for the first time: `"now"` (default) leaves out
   * what was put before, `"last"` has the last message of each topic, `"start"` all that its
   * history has, a number what was put after the message with that number, a `Date` what was put
   * from then on by the publisher's clock, a function gives the number for each publisher. A later
   * life of a known publisher is always followed from its first message.
   */
  readonly from?: From;
  /** Called with what `onItem` has thrown, or why a value could not be decoded. */
  readonly onError?: (error: unknown) => void;
  /** A hole is asked for (`"fill"`, default), or told to `onGap` at once (`"report"`). */
  readonly gap?: "fill" | "report";
  /** Called once for each publisher that came back without its history. */
  readonly onReset?: (reset: Reset) => void;
  /**
   * What becomes of an iteration that is slower than the feed (default `"replay"`): it gets the
   * rest from the history when it has room, the oldest that wait are skipped and told as a gap, or
   * it ends with ERR_LAGGED. What comes from the history waits for room under each of them.
   */
  readonly slow?: SlowPolicy;
  /** How much may wait for an iteration (default 10 000 messages, any time). */
  readonly maxLag?: MaxLag;
  readonly interceptors?: readonly Interceptor[];
}

/** Where a feed that binds is followed from, and with which keys. */
export interface FollowFeedOptions<T> extends FollowOptions<T>, Pick<DialOptions, "node"> {
  readonly keys?: DialKeys | undefined;
}

/** @throws PatternError ERR_BAD_OPTION, naming the option of the follower of `name` */
export function requireOptions<T>(
  name: string,
  { from, onItem, slow, maxLag }: FollowOptions<T>,
): void {
  const bad = (text: string): never => {
    throw new PatternError("ERR_BAD_OPTION", `the follower of ${name}: ${text}`);
  };
  if (typeof from === "number" && !(Number.isSafeInteger(from) && from >= 0))
    bad(`from ${from} is no number of a message: 0 or more, or a Date`);
  if (from instanceof Date && Number.isNaN(from.getTime())) bad("from is an invalid Date");
  if (onItem !== undefined && (slow !== undefined || maxLag !== undefined))
    bad("slow and maxLag are for iterating it: leave out onItem");
}
