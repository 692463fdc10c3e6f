import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask } from "./api.ts";

interface State<T> {
  readonly value?: T;
  readonly error?: Error;
  readonly path?: string;
}

/** What is at `path`, asked for again when that changes. The last answer stays until then. */
export function useAnswer<T>(path: string | undefined): State<T> {
  const [state, setState] = useState<State<T>>({});
  useEffect(() => {
    if (path === undefined) return undefined;
    const left = new AbortController();
    ask<T>(path, left.signal).then(
      (value) => setState({ value, path }),
      (error: Error) => {
        if (!left.signal.aborted) setState({ error, path });
      },
    );
    return () => left.abort();
  }, [path]);
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
