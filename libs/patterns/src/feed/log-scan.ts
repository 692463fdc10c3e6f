import type { Gap } from "./follower-core.ts";
import type { LogFiles } from "./log-files.ts";
import { type LogFacts, records } from "./log-record.ts";
import type { FeedMessage } from "./message.ts";
import { firstOf, Segment } from "./segment.ts";

/** What was found in the files of a log. */
export interface Scan {
  readonly segments: Segment[];
  /** What the log last said of itself; `undefined` when there is no log. */
  readonly facts: LogFacts | undefined;
  /** The last message of each topic. */
  readonly lastOf: Map<string, number>;
  /** Numbers of which nothing can be read, between others that can. */
  readonly holes: Gap[];
  /** Places that could not be read. */
  readonly corrupt: number;
  /** Bytes at the end that were no whole record, and are cut off. */
  readonly tornBytes: number;
  /** Highest number that can be read. */
  readonly last: number;
}

/** Reads all of a log, cuts off a torn end, and passes over what is damaged. */
export function scanLog(files: LogFiles): Scan {
  const scanner = new Scanner(files);
  const names = files.list().filter((name) => firstOf(name) !== undefined);
  for (const [index, name] of names.entries()) scanner.segment(name, index === names.length - 1);
  return scanner;
}

class Scanner implements Scan {
  readonly segments: Segment[] = [];
  readonly lastOf = new Map<string, number>();
  readonly holes: Gap[] = [];
  facts: LogFacts | undefined;
  corrupt = 0;
  tornBytes = 0;
  last = 0;
  readonly #files: LogFiles;

  constructor(files: LogFiles) {
    this.#files = files;
  }

  segment(name: string, isNewest: boolean): void {
    const first = firstOf(name) ?? 0;
    const segment = new Segment(first);
    if (this.segments.length === 0) this.last = first - 1;
    this.segments.push(segment);
    const bytes = this.#files.read(name, 0, this.#files.size(name));
    for (const { at, end, entry } of records(bytes)) {
      if (at > segment.size) this.corrupt++;
      segment.size = end;
      if ("facts" in entry) this.facts = entry.facts;
      else this.#message(entry.message, segment, at);
    }
    if (segment.size === bytes.length) return;
    if (isNewest) {
      this.tornBytes = bytes.length - segment.size;
      this.#files.truncate(name, segment.size);
    } else this.corrupt++;
  }

  #message(message: FeedMessage, segment: Segment, at: number): void {
    const { topic, seq } = message;
    if (seq > this.last + 1) this.holes.push({ from: this.last + 1, to: seq - 1 });
    this.last = Math.max(this.last, seq);
    this.lastOf.set(topic, seq);
    segment.has(message, at);
    // Something was put after it was closed: what was said of it then holds no more.
    if (this.facts?.clean) this.facts = { ...this.facts, clean: false };
  }
}
