import type { LiveSpans, OpenPage, SearchRow } from "../api.ts";
import { type DecodedSpan, STATUS_ERROR } from "../span.ts";

const EVERY_MS = 250;
/** Rows a second are 60 at most. */
const ROWS_MAX = 15;

/** Tells of stored spans four times a second, at most 60 a second; the others are counted. */
export class LiveFeed implements Disposable {
  readonly #readOpen: () => OpenPage;
  readonly #tell: (event: LiveSpans) => void;
  #rows: SearchRow[] = [];
  #hidden = 0;
  #isOpenNew = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param readOpen reads what has not ended */
  constructor(tell: (event: LiveSpans) => void, readOpen: () => OpenPage) {
    this.#tell = tell;
    this.#readOpen = readOpen;
  }

  add(spans: readonly DecodedSpan[]): void {
    if (spans.length === 0) return;
    const room = ROWS_MAX - this.#rows.length;
    // The newest ones are shown, failed ones before others.
    const shown = spans.toSorted((a, b) => rank(a) - rank(b)).slice(0, room);
    this.#rows.push(...shown.map(toRow));
    this.#hidden += spans.length - shown.length;
    this.#timer ??= setTimeout(() => this.#flush(), EVERY_MS);
  }

  /** What has not ended is no longer the same. */
  openChanged(): void {
    this.#isOpenNew = true;
    this.#timer ??= setTimeout(() => this.#flush(), EVERY_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #flush(): void {
    this.#timer = undefined;
    const open = this.#isOpenNew ? { open: this.#readOpen() } : {};
    this.#isOpenNew = false;
    this.#tell({ spans: this.#rows, hidden: this.#hidden, ...open });
    this.#rows = [];
    this.#hidden = 0;
  }
}

const rank = ({ status }: DecodedSpan): number => (status === STATUS_ERROR ? 0 : 1);

function toRow(span: DecodedSpan): SearchRow {
  return {
    traceId: span.traceId.toString("hex"),
    spanId: span.spanId.toString("hex"),
    service: span.service,
    operation: span.name,
    startMs: span.startUs / 1_000,
    durationMs: span.durationNs / 1e6,
    error: span.status === STATUS_ERROR,
  };
}
