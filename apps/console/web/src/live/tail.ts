import type { LiveSpans, OpenPage, OpenRow, SearchRow } from "@zeroplane/trace-collector/api";

/** Ended spans that are kept; older ones make way. */
export const ROWS_MAX = 300;

/** What has been told since the reader came. */
export interface Tail {
  /** Ended spans, the newest first. */
  readonly rows: readonly SearchRow[];
  /** Ended spans that were told of. */
  readonly came: number;
  /** Ended spans that made way for newer ones. */
  readonly gone: number;
  /** Spans that came too fast to be told of. */
  readonly hidden: number;
  readonly open: OpenPage;
}

export const NOTHING: Tail = {
  rows: [],
  came: 0,
  gone: 0,
  hidden: 0,
  open: { open: 0, lost: 0, rows: [] },
};

/** What is known once `event` has come. */
export function after(before: Tail, { spans, hidden, open }: LiveSpans): Tail {
  const rows = [...spans.toReversed(), ...before.rows];
  return {
    rows: rows.slice(0, ROWS_MAX),
    came: before.came + spans.length,
    gone: before.gone + Math.max(0, rows.length - ROWS_MAX),
    hidden: before.hidden + hidden,
    open: open ?? before.open,
  };
}

/** What a reader wants to see; the collector is asked for the same of ended spans, but for the text. */
export interface Wanted {
  readonly service: string;
  readonly operation: string;
  readonly minMs: number;
  /** Only what failed, or never ends. */
  readonly isFailed: boolean;
  /** Anywhere in names and ids. */
  readonly text: string;
}

/** What an address asks for. */
export const wantedOf = (search: URLSearchParams): Wanted => ({
  service: search.get("service") ?? "",
  operation: search.get("operation") ?? "",
  minMs: Number(search.get("minMs")) || 0,
  isFailed: search.get("error") === "true",
  text: (search.get("text") ?? "").trim().toLowerCase(),
});

/** Ended spans with the text that is looked for; the rest was asked of the collector. */
export function endedOf({ rows }: Tail, { text }: Wanted): readonly SearchRow[] {
  return text === "" ? rows : rows.filter((row) => has(text, row));
}

/** Spans that have not ended and are looked for: those that never will first, then the oldest. */
export function openOf({ open }: Tail, wanted: Wanted, nowMs: number): readonly OpenRow[] {
  const rows = open.rows.filter(
    (row) =>
      (wanted.service === "" || row.service === wanted.service) &&
      (wanted.operation === "" || row.operation === wanted.operation) &&
      (!wanted.isFailed || row.state === "lost") &&
      ageOf(row, nowMs) >= wanted.minMs &&
      has(wanted.text, row),
  );
  return rows.toSorted((a, b) => Number(isOpen(a)) - Number(isOpen(b)) || a.startMs - b.startMs);
}

/** How long a span is open; a lost one was until its process was last heard of. */
export const ageOf = (row: OpenRow, nowMs: number): number =>
  Math.max(0, (isOpen(row) ? nowMs : row.seenMs) - row.startMs);

const isOpen = ({ state }: OpenRow): boolean => state === "open";

function has(text: string, row: SearchRow | OpenRow): boolean {
  const node = "node" in row ? row.node : "";
  return `${row.service} ${row.operation} ${node} ${row.traceId} ${row.spanId}`
    .toLowerCase()
    .includes(text);
}
