import { readFileSync } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { decode, encode } from "@zeroplane/link";
import type { Copy, WireChange } from "./view-core.ts";

const FORMAT = "zp state 1";

/** Which view a file is of: a copy of another one is not shown. */
export interface CopyOf {
  readonly name: string;
  readonly under: string;
}

/** What a file of a copy needs. */
export interface CopyFileOptions {
  /** What is to be in it now. */
  readonly copy: () => Copy;
  /** Called with why it cannot be written; it is tried again with the next change. */
  readonly onError: ((error: unknown) => void) | undefined;
}

const WRITE_MS = 500;

/** The last known copy of a view, on the disk. A crash leaves the old or the new one, whole. */
export class CopyFile {
  readonly #file: string;
  readonly #of: CopyOf;
  readonly #options: CopyFileOptions;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string, of: CopyOf, options: CopyFileOptions) {
    this.#file = file;
    this.#of = of;
    this.#options = options;
  }

  /** @returns the copy, or `undefined` when there is none that can be read */
  read(): Copy | undefined {
    try {
      const fields = decode(readFileSync(this.#file));
      if (!Array.isArray(fields)) return undefined;
      const [format, name, under, epoch, version, entries] = fields as unknown[];
      const { name: ofName, under: ofUnder } = this.#of;
      if (format !== FORMAT || name !== ofName || under !== ofUnder) return undefined;
      return { epoch: Number(epoch), version: Number(version), entries: entries as WireChange[] };
    } catch {
      return undefined;
    }
  }

  /** Something has changed: it is written soon. */
  later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#write();
    }, WRITE_MS).unref();
  }

  /** Writes what has changed. */
  async close(): Promise<void> {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#write();
    }
    await this.#writing;
  }

  #write(): void {
    this.#writing = this.#writing
      .then(() => this.#replace())
      .catch((error: unknown) => this.#options.onError?.(error));
  }

  async #replace(): Promise<void> {
    const { epoch, version, entries } = this.#options.copy();
    const { name, under } = this.#of;
    const bytes = encode([FORMAT, name, under, epoch, version, entries]);
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
