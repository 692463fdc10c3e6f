import type { LogFiles } from "./log-files.ts";
import { type LogFacts, type Run, records } from "./log-record.ts";
import { firstOf, Segment } from "./segment.ts";

/** What was found in the files of a log. */
export interface Scan {
  readonly segments: Segment[];
  /** What the log last said of itself; `undefined` when there is no log. */
  readonly facts: LogFacts | undefined;
  /** The last message of each topic. */
  readonly lastOf: Map<string, number>;
  /** The highest number of which nothing can be read, below one that can; or 0. */
  readonly holeTo: number;
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
  facts: LogFacts | undefined;
  holeTo = 0;
  tornBytes = 0;
  last = 0;
  readonly #files: LogFiles;

  constructor(files: LogFiles) {
    this.#files = files;
  }

  get corrupt(): number {
    return this.segments.reduce((sum, { damaged }) => sum + damaged.size, 0);
  }

  segment(name: string, isNewest: boolean): void {
    const first = firstOf(name) ?? 0;
    const segment = new Segment(first);
    if (this.segments.length === 0) this.last = first - 1;
    this.segments.push(segment);
    const bytes = this.#files.read(name, 0, this.#files.size(name));
    for (const { at, end, run, facts } of records(bytes)) {
      if (at > segment.size) segment.damaged.add(segment.size);
      segment.size = end;
      if (facts !== undefined) this.facts = facts;
      if (run !== undefined) this.#run(run, segment, at);
    }
    if (segment.size === bytes.length) return;
    if (isNewest) {
      this.tornBytes = bytes.length - segment.size;
      this.#files.truncate(name, segment.size);
    } else segment.damaged.add(segment.size);
  }

  #run(run: Run, segment: Segment, at: number): void {
    if (run.first > this.last + 1) this.holeTo = run.first - 1;
    this.last = Math.max(this.last, run.last);
    this.lastOf.set(run.topic, run.last);
    segment.has(run, at);
    // Something was put after it was closed: what was said of it then holds no more.
    if (this.facts?.clean) this.facts = { ...this.facts, clean: false };
  }
}
