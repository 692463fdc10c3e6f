/** A box of the map, in a grid: column by how far from the first caller, row within it. */
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
  const rows = new Map<number, number>();
  return names.map((name) => {
    const column = columns.get(name) ?? 0;
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    return { name, column, row };
  });
}
