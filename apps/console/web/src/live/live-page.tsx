import type { JSX } from "preact";
import { useCallback, useState } from "preact/hooks";
import { change, useAddress } from "../address.ts";
import { Field, Tick } from "../field.tsx";
import { HelpButton, KeyHelp, type KeyList, stepRow, useKeyboard } from "../keys.tsx";
import { count } from "../words.ts";
import { EndedSpans } from "./ended-spans.tsx";
import { OpenSpans } from "./open-spans.tsx";
import { endedOf, openOf, type Tail, wantedOf } from "./tail.ts";
import { useNow, useTail } from "./use-tail.ts";

const FILTERS = ["service", "operation", "error", "minMs"] as const;
/** How often the age of what is open is drawn. */
const AGE_MS = 200;

const KEYS: KeyList = [
  ["p", "pause, go on"],
  ["j k", "next, previous span"],
  ["Enter", "its trace"],
  ["o", "only what has not ended"],
  ["/", "find"],
  ["?", "these keys"],
];

/** What is going on: work that has not ended, and spans as they end. */
export function LivePage(): JSX.Element {
  const path = questionOf(useAddress().search);
  return <Following key={path} path={path} />;
}

/** What was shown when the reader paused. */
interface Frozen {
  readonly tail: Tail;
  readonly nowMs: number;
}

function Following({ path }: { readonly path: string }): JSX.Element {
  const { search } = useAddress();
  const { tail, isLive } = useTail(path);
  const nowMs = useNow(AGE_MS);
  const [frozen, setFrozen] = useState<Frozen>();
  const shown = frozen ?? { tail, nowMs };
  const pause = (): void => setFrozen(frozen === undefined ? { tail, nowMs } : undefined);
  const press = useCallback((key: string) => act(key, pause), [frozen, tail, nowMs]);
  const { finder, ...help } = useKeyboard(press);
  const wanted = wantedOf(search);
  return (
    <main>
      <form class="bar-of-tools" onSubmit={(event) => event.preventDefault()}>
        <input
          ref={finder}
          type="search"
          aria-label="Find"
          placeholder="Find ( / )"
          value={search.get("text") ?? ""}
          onInput={({ currentTarget }) => change({ text: currentTarget.value })}
        />
        <Field name="service" label="Service" />
        <Field name="operation" label="Operation" />
        <Field name="minMs" label="At least, ms" placeholder="0" />
        <Tick name="error" label="failed only" />
        <Tick name="open" label="not ended only" />
        <button type="button" aria-pressed={frozen !== undefined} onClick={pause}>
          {frozen === undefined ? "Pause" : "Go on"}
        </button>
        <State isLive={isLive} missed={frozen && tail.came - frozen.tail.came} />
        <HelpButton {...help} />
      </form>
      {help.isHelp && <KeyHelp keys={KEYS} />}
      <OpenSpans
        open={shown.tail.open}
        rows={openOf(shown.tail, wanted, shown.nowMs)}
        nowMs={shown.nowMs}
      />
      {search.get("open") !== "true" && (
        <EndedSpans tail={shown.tail} rows={endedOf(shown.tail, wanted)} />
      )}
    </main>
  );
}

interface StateProps {
  readonly isLive: boolean;
  /** Spans that came since the reader paused. */
  readonly missed: number | undefined;
}

function State({ isLive, missed }: StateProps): JSX.Element {
  const words =
    missed !== undefined
      ? `paused, ${count(missed, "span")} since`
      : isLive
        ? "live"
        : "connecting…";
  return (
    <span class={isLive && missed === undefined ? "running" : "quiet"} role="status">
      {words}
    </span>
  );
}

function act(key: string, pause: () => void): boolean {
  if (key === "p") pause();
  else if (key === "j") stepRow(1);
  else if (key === "k") stepRow(-1);
  else if (key === "o") toggleOpen();
  else return false;
  return true;
}

const toggleOpen = (): void => {
  const isOpen = new URLSearchParams(location.search).get("open") === "true";
  change({ open: isOpen ? undefined : "true" });
};

function questionOf(search: URLSearchParams): string {
  const query = new URLSearchParams();
  for (const name of FILTERS) if (search.get(name)) query.set(name, search.get(name) ?? "");
  return `/api/live?${query}`;
}
