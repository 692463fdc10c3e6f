import { useEffect, useState } from "preact/hooks";

/** Where the reader is: everything that a page shows follows from it, so that a link shows the same. */
export interface Address {
  readonly path: string;
  readonly search: URLSearchParams;
}

const here = (): Address => ({
  path: location.pathname,
  search: new URLSearchParams(location.search),
});

const listeners = new Set<() => void>();
addEventListener("popstate", tellAll);

function tellAll(): void {
  for (const listener of listeners) listener();
}

/** The present address; whoever uses it is drawn again when it changes. */
export function useAddress(): Address {
  const [address, setAddress] = useState(here);
  useEffect(() => {
    const listener = (): void => setAddress(here());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return address;
}

/** Goes to another page. */
export function go(href: string): void {
  history.pushState(null, "", href);
  scrollTo(0, 0);
  tellAll();
}

/** Changes parts of the present address; `undefined` and "" take one away. No new entry in the history. */
export function change(parts: Readonly<Record<string, string | undefined>>): void {
  const search = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(parts)) {
    if (value === undefined || value === "") search.delete(name);
    else search.set(name, value);
  }
  const query = String(search);
  history.replaceState(null, "", query === "" ? location.pathname : `?${query}`);
  tellAll();
}
