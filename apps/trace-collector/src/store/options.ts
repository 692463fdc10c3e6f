/** What is kept, and for how long. */
export interface Retention {
  /** How long spans are kept, milliseconds; traces with errors four times as long. */
  readonly ms: number;
  /** What the folder may take, bytes; the oldest files go first. */
  readonly bytes: number;
}

/** Options of the store. */
export interface StoreOptions {
  /** Folder; made when it is not there. */
  readonly data: string;
  readonly retention: Retention;
  /** Pages of 8 KiB that a file may have (default 0: no limit). */
  readonly pagesMax?: number;
  /** Spans after which an hour gets another file (default 1 000 000). */
  readonly partitionSpansMax?: number;
  /** Bytes of messages that may wait to be stored (default 64 MiB). */
  readonly queueBytesMax?: number;
}

/** How much longer traces with errors are kept. */
export const ERRORS_LONGER = 4;
