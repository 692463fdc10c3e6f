/** What narrows a search, all of it in the address; `attribute` may stand there many times. */
const FILTERS = ["service", "operation", "minMs", "maxMs", "error", "text"] as const;
/** What only a list of results has. */
const OF_LISTS = ["of", "sort", "limit"] as const;

/** What narrows the search of an address, as the collector has it. @param range as `fromMs` and `toMs` */
export function filterOf(search: URLSearchParams, range: URLSearchParams): URLSearchParams {
  const query = new URLSearchParams(range);
  copy(FILTERS, search, query);
  for (const pair of attributesOf(search)) query.append("attribute", pair);
  return query;
}

/** The question that an address asks the collector. */
export function questionOf(search: URLSearchParams, range: URLSearchParams): string {
  const query = filterOf(search, range);
  copy(OF_LISTS, search, query);
  return `/api/search?${query}`;
}

function copy(names: readonly string[], from: URLSearchParams, to: URLSearchParams): void {
  for (const name of names) {
    const value = from.get(name);
    if (value !== null && value !== "") to.set(name, value);
  }
}

/** `key=value` or, with spaces in it, `key="value"`. */
const PAIR = /([^\s=]+)=("(?:[^"\\]|\\.)*"|\S*)/g;

/** The attributes wanted, `key=value` each. */
export const attributesOf = (search: URLSearchParams): string[] =>
  [...(search.get("attributes") ?? "").matchAll(PAIR)].map(
    ([, key, value = ""]) => `${key}=${value.startsWith('"') ? unquoted(value) : value}`,
  );

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

/** The attributes of an address with one more. */
export function withAttribute(search: URLSearchParams, key: string, value: string): string {
  const before = search.get("attributes") ?? "";
  const pair = `${key}=${/^[^\s"]+$/.test(value) ? value : JSON.stringify(value)}`;
  return before.split(pair).length > 1 ? before : `${before} ${pair}`.trim();
}
