import { OPEN_KIND, type OpenReport, type OpenSpan, readOpenReport } from "../open-report.ts";
import type { SpoolContent, SpoolHead } from "./record.ts";

/** What is known of a process that was killed, by its files. */
export class GoneProcess {
  readonly #boot: string;
  #head: SpoolHead | undefined;
  #open: readonly OpenSpan[] = [];
  /** Spans of files that were too many to be sent. */
  #givenUp = 0;
  /** Spans that it had no room for itself. */
  #dropped = 0;
  #tornBytes = 0;
  #sinceMs = 0;

  constructor(boot: string) {
    this.#boot = boot;
  }

  /** One of its files is sent; in the order in which they were written. */
  left(content: SpoolContent): void {
    const { head, messages, tornBytes } = content;
    this.#head ??= head;
    // Rises from file to file.
    this.#dropped = Math.max(this.#dropped, head?.dropped ?? 0);
    this.#tornBytes += tornBytes;
    for (const { kind, body, atMs } of messages) {
      this.#sinceMs = Math.max(this.#sinceMs, atMs);
      if (kind === OPEN_KIND) this.#open = openOf(body);
    }
  }

  /** One of its files is not sent. */
  gaveUp(content: SpoolContent): void {
    this.left(content);
    for (const { spans } of content.messages) this.#givenUp += spans;
  }

  /** The last that comes of it: what was open is lost, and what is missing. */
  report(): OpenReport {
    return {
      resource: this.#head?.resource ?? {},
      boot: this.#boot,
      state: "gone",
      atMs: this.#sinceMs,
      everyMs: 0,
      open: this.#open.length,
      spans: this.#open,
      hole: {
        spans: this.#givenUp + this.#dropped,
        bytes: this.#tornBytes,
        sinceMs: this.#sinceMs,
      },
    };
  }
}

function openOf(body: Uint8Array): readonly OpenSpan[] {
  try {
    return readOpenReport(body).spans;
  } catch {
    return [];
  }
}
