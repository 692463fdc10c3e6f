/** What can be asked for, all of it in the address; `attribute` may stand there many times. */
const NAMES = [
  "of",
  "sort",
  "service",
  "operation",
  "minMs",
  "maxMs",
  "error",
  "text",
  "limit",
] as const;

/** The question that an address asks the collector. @param range as `fromMs` and `toMs` */
export function questionOf(search: URLSearchParams, range: URLSearchParams): string {
  const query = new URLSearchParams(range);
  for (const name of NAMES) {
    const value = search.get(name);
    if (value !== null && value !== "") query.set(name, value);
  }
  for (const pair of attributesOf(search)) query.append("attribute", pair);
  return `/api/search?${query}`;
}

/** The attributes wanted, `key=value` each. */
export const attributesOf = (search: URLSearchParams): string[] =>
  (search.get("attributes") ?? "").split(/\s+/).filter((pair) => pair.includes("="));
