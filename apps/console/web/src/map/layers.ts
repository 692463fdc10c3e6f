/** A box of the map, in a grid: column by how far from the first caller, row near those who call it. */
export interface Placed {
  readonly name: string;
  readonly column: number;
  readonly row: number;
}

/**
 * Puts services into columns, each to the right of whoever calls it where that can be: the longest
 * way from a service that nobody calls, with circles cut where they close.
 */
export function layers(
  names: readonly string[],
  edges: readonly { readonly from: string; readonly to: string }[],
): Placed[] {
  const calls = Map.groupBy(edges, ({ from }) => from);
  const columns = new Map<string, number>();
  const open = new Set<string>();
  const called = new Set(edges.filter(({ from, to }) => from !== to).map(({ to }) => to));
  const visit = (name: string, column: number): void => {
    if (open.has(name) || (columns.get(name) ?? -1) >= column) return;
    columns.set(name, column);
    open.add(name);
    for (const { to } of calls.get(name) ?? []) visit(to, column + 1);
    open.delete(name);
  };
  const first = names.filter((name) => !called.has(name));
  for (const name of first) visit(name, 0);
  for (const name of names) if (!columns.has(name)) visit(name, 0);
  return rowsOf(names, columns, edges);
}

/** Puts each column into the order of those who call from the left, and beside them, so that few lines cross. */
function rowsOf(
  names: readonly string[],
  columns: ReadonlyMap<string, number>,
  edges: readonly { readonly from: string; readonly to: string }[],
): Placed[] {
  const rows = new Map<string, number>();
  const byColumn = Map.groupBy(names, (name) => columns.get(name) ?? 0);
  const placed: Placed[] = [];
  for (const [column, members] of [...byColumn].toSorted(([a], [b]) => a - b)) {
    const from = new Map(members.map((name) => [name, callersRow(name, rows, edges)]));
    const ordered = members.toSorted((a, b) => (from.get(a) ?? 0) - (from.get(b) ?? 0));
    let next = 0;
    for (const name of ordered) {
      const row = Math.max(next, Math.floor(from.get(name) ?? 0));
      next = row + 1;
      rows.set(name, row);
      placed.push({ name, column, row });
    }
  }
  return placed;
}

/** The row in which, on average, those stand who call `name` and are placed already. */
function callersRow(
  name: string,
  rows: ReadonlyMap<string, number>,
  edges: readonly { readonly from: string; readonly to: string }[],
): number {
  const callers = edges.filter(({ to }) => to === name).map(({ from }) => rows.get(from));
  const known = callers.filter((row) => row !== undefined);
  return known.reduce((sum, row) => sum + row, 0) / (known.length || 1);
}
