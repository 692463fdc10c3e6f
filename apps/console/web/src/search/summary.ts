/** A trace in one line, as the collector lists it. */
export interface Summary {
  readonly traceId: string;
  /** Of its first span. */
  readonly name: string;
  readonly service: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly spans: number;
  readonly services: number;
  readonly errors: number;
}

/** What can be asked for, all of it in the address. */
export const FILTERS = ["service", "name", "minMs", "error", "limit"] as const;

/** The question that an address asks the collector. */
export function questionOf(search: URLSearchParams): string {
  const query = new URLSearchParams();
  for (const name of FILTERS) {
    const value = search.get(name);
    if (value !== null && value !== "") query.set(name, value);
  }
  return `/api/search?${query}`;
}
