import { closeSync, fstatSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";

/** Bytes of a log after which a new file is begun. */
export const LOG_BYTES_MAX = 10 * 1024 * 1024;

/** What a process prints, appended to a file; when that is full it becomes `<file>.old`. */
export class ProcessLog implements Disposable {
  readonly file: string;
  readonly #bytesMax: number;
  #handle: number | undefined;
  #bytes = 0;

  /** @param file its folder must be there */
  constructor(file: string, bytesMax = LOG_BYTES_MAX) {
    this.file = file;
    this.#bytesMax = bytesMax;
    this.#open();
  }

  write(chunk: Uint8Array): void {
    if (this.#handle === undefined) return;
    if (this.#bytes > 0 && this.#bytes + chunk.length > this.#bytesMax) {
      closeSync(this.#handle);
      renameSync(this.file, `${this.file}.old`);
      this.#open();
    }
    this.#bytes += writeSync(this.#handle, chunk);
  }

  /** The last `count` lines, for a message. */
  lastLines(count: number): string[] {
    return lastLines(readFileSync(this.file, "utf8"), count);
  }

  [Symbol.dispose](): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  #open(): void {
    this.#handle = openSync(this.file, "a");
    this.#bytes = fstatSync(this.#handle).size;
  }
}

/** The last `count` lines of a text that are not empty. */
export const lastLines = (text: string, count: number): string[] =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count);
