import { decode, type Headers } from "@zeroplane/link";

/** One numbered message of a feed. */
export interface FeedMessage {
  readonly topic: string;
  /** Counts every message of the feed, from 1. */
  readonly seq: number;
  /** The number of the message before it of the same topic, 0 for the first. */
  readonly prev: number;
  /** When it was put, milliseconds since 1970. */
  readonly atMs: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** Sent with each message: which life of which publisher it belongs to. */
export interface Origin {
  /** Name of the publishing process. */
  readonly node: string;
  /** Random for each life of the publisher. */
  readonly epoch: number;
}

/** First frame of a message on the data lane: what subscribers filter by. */
export const topicFrame = (feed: string, topic: string): string => `${feed}\0${topic}`;

/**
 * First frame of a probe: sent until its follower says that it has come, so that the publisher
 * knows that the data lane is there. No topic is like this.
 */
export const probeFrame = (feed: string, probe: string): string => topicFrame(feed, `\0${probe}`);

/** @returns who has sent the probe with `name`, or `undefined` when it is none */
export function fromProbe(name: string, [frame, about]: readonly Buffer[]): Origin | undefined {
  if (about === undefined || frame?.toString() !== name) return undefined;
  try {
    const fields = decode(about);
    const [node, epoch] = Array.isArray(fields) ? (fields as unknown[]) : [];
    return { node: String(node), epoch: Number(epoch) };
  } catch {
    return undefined;
  }
}
