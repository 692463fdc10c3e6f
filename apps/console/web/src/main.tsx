import { type JSX, render } from "preact";
import { useEffect } from "preact/hooks";
import { go, useAddress } from "./address.ts";
import { ComparePage } from "./compare/compare-page.tsx";
import { ErrorsPage } from "./errors/errors-page.tsx";
import { LivePage } from "./live/live-page.tsx";
import { MapPage } from "./map/map-page.tsx";
import { OperationsPage } from "./operations/operations-page.tsx";
import { SearchPage } from "./search/search-page.tsx";
import { TracePage } from "./trace/trace-page.tsx";
import "./style.css";

const PAGES: readonly (readonly [href: string, title: string, page: () => JSX.Element])[] = [
  ["/traces", "Search", SearchPage],
  ["/traces/operations", "Operations", OperationsPage],
  ["/traces/errors", "Errors", ErrorsPage],
  ["/traces/map", "Map", MapPage],
  ["/traces/compare", "Compare", ComparePage],
  ["/traces/live", "Live", LivePage],
];
/** Pages of the console that are none of these. */
const OTHERS = [
  ["/", "Platform"],
  ["/services", "Services"],
] as const;

/** Links within the pages change the address without loading anything. */
function follow(event: MouseEvent): void {
  const link = (event.target as Element).closest("a");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (link === null || !isPlain || event.defaultPrevented || link.target !== "") return;
  const { origin, pathname, search } = new URL(link.href);
  if (origin !== location.origin || pathname.startsWith("/api/")) return;
  if (!pathname.startsWith("/traces")) return;
  event.preventDefault();
  go(pathname + search);
}

function Pages(): JSX.Element {
  const { path } = useAddress();
  useEffect(() => {
    addEventListener("click", follow);
    return () => removeEventListener("click", follow);
  }, []);
  const id = /^\/traces\/([0-9a-f]{32})$/.exec(path)?.[1];
  const [, title, Page] = PAGES.find(([href]) => href === path) ?? PAGES[0] ?? [];
  useEffect(() => {
    document.title = `${id === undefined ? (title ?? "") : `Trace ${id.slice(0, 8)}`} · zeroplane`;
  }, [id, title]);
  return (
    <>
      <nav class="pages" aria-label="Pages">
        <b>zeroplane</b>
        {OTHERS.map(([href, name]) => (
          <a key={href} href={href}>
            {name}
          </a>
        ))}
        {PAGES.map(([href, name]) => (
          <a key={href} href={href} {...(href === path && { "aria-current": "page" as const })}>
            {name}
          </a>
        ))}
      </nav>
      {id === undefined ? Page && <Page /> : <TracePage key={id} id={id} />}
    </>
  );
}

const root = document.getElementById("root");
if (root !== null) render(<Pages />, root);
