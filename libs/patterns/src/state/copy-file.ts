import { readFileSync } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { decode, encode } from "@zeroplane/link";
import type { Copy } from "./view-core.ts";

const FORMAT = "zp state 1";

/** Which view a file is of: a copy of another one is not shown. */
export interface CopyOf {
  readonly name: string;
  readonly under: string;
}

/** What a file of a copy needs. */
export interface CopyFileOptions<T> {
  /** What is to be in it now. */
  readonly copy: () => Copy<T>;
  /** Called with why it cannot be read or written; it is tried again with the next change. */
  readonly onError: ((error: unknown) => void) | undefined;
}

const WRITE_MS = 500;
/** A large copy is written less often, so that encoding it takes a twentieth of the time at most. */
const REST_TIMES = 20;

/** The last known copy of a view, on the disk. A crash leaves the old or the new one, whole. */
export class CopyFile<T> {
  readonly #file: string;
  readonly #of: CopyOf;
  readonly #options: CopyFileOptions<T>;
  #timer: NodeJS.Timeout | undefined;
  #waitMs = WRITE_MS;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string, of: CopyOf, options: CopyFileOptions<T>) {
    this.#file = file;
    this.#of = of;
    this.#options = options;
  }

  /** @returns the copy, or `undefined` when there is none of this view */
  read(): Copy<T> | undefined {
    try {
      const fields = decode(readFileSync(this.#file)) as readonly unknown[];
      const [format, name, under, epoch, version, entries] = fields;
      if (format !== FORMAT || !Array.isArray(entries)) {
        throw new TypeError(`${this.#file} is no copy of a state; it will be written anew`);
      }
      if (name !== this.#of.name || under !== this.#of.under) {
        throw new TypeError(
          `${this.#file} is of "${name}" under "${under}"; give each view its own file`,
        );
      }
      return { epoch: Number(epoch), version: Number(version), entries };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#options.onError?.(error);
      return undefined;
    }
  }

  /** Something has changed: it is written soon. */
  later(): void {
    this.#timer ??= setTimeout(() => this.#write(), this.#waitMs).unref();
  }

  /** Writes what has changed. */
  async close(): Promise<void> {
    if (this.#timer !== undefined) this.#write();
    await this.#writing;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing
      .then(() => this.#replace())
      .catch((error: unknown) => this.#options.onError?.(error));
  }

  async #replace(): Promise<void> {
    const startedMs = performance.now();
    const { epoch, version, entries } = this.#options.copy();
    const { name, under } = this.#of;
    const bytes = encode([FORMAT, name, under, epoch, version, entries]);
    this.#waitMs = Math.max(WRITE_MS, REST_TIMES * (performance.now() - startedMs));
    await mkdir(dirname(this.#file), { recursive: true });
    const beside = `${this.#file}.new`;
    {
      await using handle = await open(beside, "w", 0o600);
      await handle.writeFile(bytes);
      await handle.sync();
    }
    await rename(beside, this.#file);
  }
}
