import type { LogView } from "@zeroplane/trace-collector/api";
import { readSkeleton, type Skeleton } from "@zeroplane/tracing/model";
import type { JSX } from "preact";
import { useCallback, useLayoutEffect, useMemo } from "preact/hooks";
import { change, useAddress } from "../address.ts";
import { askBytes } from "../api.ts";
import { hueOf } from "../colour.ts";
import { HelpButton, KeyHelp, useKeyboard } from "../keys.tsx";
import { Loaded, useAnswer } from "../loaded.tsx";
import { type Trace, traceOf } from "../model/trace.ts";
import { count, duration, time } from "../words.ts";
import { useHits, useLogs } from "./details.ts";
import { Flame } from "./flame.tsx";
import { KEYS, press } from "./keys.ts";
import { Logs } from "./logs.tsx";
import { Minimap } from "./minimap.tsx";
import { SpanPanel } from "./span-panel.tsx";
import { SpanTable } from "./span-table.tsx";
import { Traceback } from "./traceback.tsx";
import { rowsOf, viewOf } from "./view.ts";
import { Waterfall } from "./waterfall.tsx";

const TABS = [
  ["waterfall", "Waterfall"],
  ["flame", "Flame"],
  ["table", "Table"],
  ["traceback", "Traceback"],
  ["logs", "Logs"],
] as const;

const FORMATS = [
  ["html", "HTML", "html"],
  ["otlp", "OTLP", "json"],
  ["perfetto", "Perfetto", "perfetto.json"],
  ["speedscope", "speedscope", "speedscope.json"],
] as const;

const skeletonAt = async (path: string, signal: AbortSignal): Promise<Skeleton> =>
  readSkeleton(await askBytes(path, signal));

/** Everything about one trace. */
export function TracePage({ id }: { readonly id: string }): JSX.Element {
  const answer = useAnswer(`/api/traces/${id}?format=skeleton`, skeletonAt);
  const trace = useMemo(
    () => (answer.value === undefined ? undefined : traceOf(id, answer.value)),
    [answer.value, id],
  );
  return (
    <Loaded of={{ ...answer, ...(trace && { value: trace }) } as { value?: Trace }}>
      {(loaded) => <Whole trace={loaded} />}
    </Loaded>
  );
}

function Whole({ trace }: { readonly trace: Trace }): JSX.Element {
  const { search } = useAddress();
  const view = useMemo(() => viewOf(trace, search), [trace, search]);
  const hits = useHits(trace, view.find);
  const logs = useLogs(trace);
  const rows = useMemo(() => rowsOf(trace, view, hits), [trace, view, hits]);
  useDrawn(trace);
  const onKey = useCallback((key: string) => press(key, trace, hits), [trace, hits]);
  const { finder, ...help } = useKeyboard(onKey);
  return (
    <main class="trace">
      <Title trace={trace} />
      <Minimap trace={trace} view={view} />
      <div class="bar-of-tools">
        <div role="tablist" aria-label="Ways to see it">
          {TABS.map(([tab, title]) => (
            <button
              key={tab}
              type="button"
              role="tab"
              aria-selected={view.tab === tab}
              onClick={() => change({ tab: tab === "waterfall" ? undefined : tab })}
            >
              {title}
              {tab === "traceback" && trace.errors > 0 && <b class="bad"> {trace.errors}</b>}
              {tab === "logs" && trace.logs > 0 && <b> {trace.logs}</b>}
            </button>
          ))}
        </div>
        <label>
          <input
            type="checkbox"
            checked={view.isCritical}
            onChange={({ currentTarget }) =>
              change({ critical: currentTarget.checked ? "1" : undefined })
            }
          />{" "}
          critical path only
        </label>
        <input
          ref={finder}
          type="search"
          placeholder="Find in spans ( / )"
          aria-label="Find in spans"
          value={view.find}
          onInput={({ currentTarget }) => change({ find: currentTarget.value })}
        />
        {view.find !== "" && <span class="quiet">{count(rows.length, "span")}</span>}
        <HelpButton {...help} />
      </div>
      {help.isHelp && <KeyHelp keys={KEYS} />}
      <div class={view.selected === undefined ? "body" : "body with-panel"}>
        <div class="content" role="tabpanel" aria-label={view.tab}>
          {view.tab === "flame" ? (
            <Flame trace={trace} />
          ) : view.tab === "table" ? (
            <SpanTable trace={trace} />
          ) : view.tab === "traceback" ? (
            <Traceback trace={trace} />
          ) : view.tab === "logs" ? (
            <Logs trace={trace} logs={logs} />
          ) : (
            <Waterfall trace={trace} view={view} rows={rows} />
          )}
        </div>
        {view.selected !== undefined && (
          <SpanPanel trace={trace} span={view.selected} logs={logs.value?.logs ?? NO_LOGS} />
        )}
      </div>
    </main>
  );
}

const NO_LOGS: readonly LogView[] = [];

/** Marks when a trace was drawn, canvases as well, for whoever measures it. */
function useDrawn(trace: Trace): void {
  useLayoutEffect(() => {
    let timer: number | undefined;
    // A frame's canvases are drawn, and it is shown, before the next task.
    const frame = requestAnimationFrame(() => {
      timer = window.setTimeout(() => performance.mark("zp-trace-drawn"));
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [trace]);
}

function Title({ trace }: { readonly trace: Trace }): JSX.Element {
  const [root] = trace.spans;
  return (
    <header class="title">
      <h1>
        {root?.service} <b>{root?.name}</b>
      </h1>
      <p class="quiet">
        {duration(trace.durationMs)} · {count(trace.spans.length, "span")} ·{" "}
        {trace.services.map((service) => (
          <span key={service} class="service">
            <i class={`dot ${hueOf(service)}`} />
            {service}{" "}
          </span>
        ))}
        {trace.errors > 0 && <b class="bad"> ✕ {count(trace.errors, "error")} </b>}
        {trace.orphans > 0 && (
          <span> · {count(trace.orphans, "span")} whose parent is missing</span>
        )}
        {trace.isCut && <b class="bad"> · more spans than these, which are not shown </b>}
        {trace.cycles > 0 && <span> · {count(trace.cycles, "cycle")} cut</span>} ·{" "}
        {time(trace.startedAtMs)} · <code>{trace.id}</code>
      </p>
      <p class="exports">
        <a href={`/traces/compare?a=${trace.id}`}>Compare</a>
        {FORMATS.map(([format, title, ending]) => (
          <a
            key={format}
            href={`/api/traces/${trace.id}?format=${format}`}
            download={`${trace.id}.${ending}`}
          >
            {title}
          </a>
        ))}
      </p>
    </header>
  );
}
