import { hasColors } from "./style.ts";
import { clip } from "./text.ts";

/** Where progress is shown. */
export interface LiveStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const COLUMNS = 80;

/**
 * Progress: lines that stay, and below them, on a terminal, some that change. Elsewhere, and on a
 * terminal that cannot, only what stays is written.
 */
export class Live implements Disposable {
  readonly #stream: LiveStream;
  readonly #isLive: boolean;
  #shown: readonly string[] = [];

  constructor(stream: LiveStream, env: NodeJS.ProcessEnv = process.env) {
    this.#stream = stream;
    this.#isLive = stream.isTTY === true && env["TERM"] !== "dumb" && hasCursor(stream, env);
  }

  /** True when changing lines are shown. */
  get isLive(): boolean {
    return this.#isLive;
  }

  get columns(): number {
    return this.#stream.columns ?? COLUMNS;
  }

  /** Writes lines that stay, above the changing ones. */
  print(...lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = lines.map((line) => `${line}\n`).join("");
    this.#stream.write(this.#erase() + text + this.#draw(this.#shown));
  }

  /**
   * Replaces the changing lines.
   * @param lines without colours of their own: they are cut at the width of the terminal
   * @param paint colours one line
   */
  status(lines: readonly string[], paint: (line: string) => string = (line) => line): void {
    if (!this.#isLive) return;
    const erased = this.#erase();
    const shown = lines.map((line) => paint(clip(line, this.columns - 1)));
    this.#stream.write(erased + this.#draw(shown));
  }

  [Symbol.dispose](): void {
    this.status([]);
  }

  #erase(): string {
    return this.#shown.length === 0 ? "" : `\u001b[${this.#shown.length}A\u001b[0J`;
  }

  #draw(lines: readonly string[]): string {
    this.#shown = this.#isLive ? lines : [];
    return this.#shown.map((line) => `${line}\n`).join("");
  }
}

/** Someone who wants no colours (NO_COLOR) may still have a terminal with a cursor. */
const hasCursor = (stream: LiveStream, env: NodeJS.ProcessEnv): boolean =>
  hasColors(stream, { ...env, NO_COLOR: "" });
