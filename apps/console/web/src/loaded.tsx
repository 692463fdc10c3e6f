import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { ask } from "./api.ts";

export interface State<T> {
  readonly value?: T;
  readonly error?: Error;
  readonly path?: string;
}

/**
 * What is at `path`, asked for again when that changes. The last answer stays until then.
 * @param get how it is asked for (default: as JSON); always the same function
 */
export function useAnswer<T>(
  path: string | undefined,
  get: (path: string, signal: AbortSignal) => Promise<T> = ask,
): State<T> {
  const [state, setState] = useState<State<T>>({});
  // Asked before the page is drawn, not a frame later.
  useLayoutEffect(() => {
    if (path === undefined) return undefined;
    const left = new AbortController();
    get(path, left.signal).then(
      (value) => setState({ value, path }),
      (error: Error) => {
        if (!left.signal.aborted) setState({ error, path });
      },
    );
    return () => left.abort();
  }, [path, get]);
  return state;
}

/** Shows an answer, or that it has not come, or why it does not. */
export function Loaded<T>({
  of: { value, error },
  children,
}: {
  readonly of: State<T>;
  readonly children: (value: T) => ComponentChildren;
}): JSX.Element {
  if (error !== undefined) {
    return (
      <p class="problem" role="alert">
        {error.message}
      </p>
    );
  }
  if (value === undefined) return <p class="quiet">Loading…</p>;
  return <>{children(value)}</>;
}
