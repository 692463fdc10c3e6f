import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NAME = /^(?:(\d{4}-\d\d-\d\dT\d\d)(?:-(\d+))?|errors-(\d{4}-\d\d-\d\d)|pinned)\.db$/;

/** A partition file by its name. */
export interface PartitionName {
  readonly name: string;
  /** `hour`: everything of an hour; `errors`: traces that failed, of a day; `pinned`: for ever. */
  readonly kind: "hour" | "errors" | "pinned";
  /** Starts of its spans, milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Parts of the same hour, from 0. */
  readonly part: number;
}

/** Name of the file for the spans of an hour. */
export function hourName(atMs: number, part: number): string {
  const hour = new Date(atMs).toISOString().slice(0, 13);
  return part === 0 ? `${hour}.db` : `${hour}-${part}.db`;
}

/** Name of the file for the failed traces of a day. */
export const errorsName = (atMs: number): string =>
  `errors-${new Date(atMs).toISOString().slice(0, 10)}.db`;

export const PINNED = "pinned.db";

/** What a name says, or `undefined` when it is no partition's. */
export function parseName(name: string): PartitionName | undefined {
  const [, hour, part, day] = NAME.exec(name) ?? [];
  const of = (kind: PartitionName["kind"], from: string, ms: number): PartitionName => {
    const fromMs = Date.parse(from);
    return { name, kind, fromMs, toMs: fromMs + ms, part: Number(part ?? 0) };
  };
  if (hour !== undefined) return of("hour", `${hour}:00:00Z`, HOUR_MS);
  if (day !== undefined) return of("errors", `${day}T00:00:00Z`, DAY_MS);
  if (name !== PINNED) return undefined;
  return { name, kind: "pinned", fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, part: 0 };
}

/** The folder of partition files. */
export class Folder {
  readonly path: string;

  constructor(data: string) {
    this.path = join(data, "traces");
    mkdirSync(this.path, { recursive: true });
  }

  file(name: string): string {
    return join(this.path, name);
  }

  has(name: string): boolean {
    return existsSync(this.file(name));
  }

  /** Every partition, oldest first; the pinned one last. */
  list(): PartitionName[] {
    const names = readdirSync(this.path)
      .map(parseName)
      .filter((name) => name !== undefined);
    const last = ({ kind }: PartitionName): number => (kind === "pinned" ? 1 : 0);
    return names.toSorted((a, b) => last(a) - last(b) || a.toMs - b.toMs || a.part - b.part);
  }

  /** Bytes on disk, with what is not checkpointed yet. */
  bytes(name: string): number {
    const size = (suffix: string): number =>
      statSync(this.file(`${name}${suffix}`), { throwIfNoEntry: false })?.size ?? 0;
    return size("") + size("-wal");
  }

  /** Bytes of the log that is not checkpointed away. */
  walBytes(name: string): number {
    return statSync(this.file(`${name}-wal`), { throwIfNoEntry: false })?.size ?? 0;
  }

  remove(name: string): void {
    for (const suffix of ["", "-wal", "-shm"])
      rmSync(this.file(`${name}${suffix}`), { force: true });
  }
}
