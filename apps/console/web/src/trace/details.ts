import type { LogPage, SpanDetails } from "@zeroplane/trace-collector/api";
import { useEffect, useMemo, useState } from "preact/hooks";
import { type State, useAnswer } from "../loaded.tsx";
import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";

/** Most spans that one question may name. */
const SPANS_MAX = 64;

/** What the collector knows of some spans beyond what is drawn, by id. */
export function useDetails(
  { id }: Trace,
  spans: readonly Span[],
): State<Readonly<Record<string, SpanDetails>>> {
  const ids = spans.slice(0, SPANS_MAX).map((span) => span.id);
  return useAnswer(ids.length > 0 ? `/api/traces/${id}/details?spans=${ids.join()}` : undefined);
}

/** The log records of a trace; not asked for when there are none. */
export function useLogs({ id, logs }: Trace): State<LogPage> {
  return useAnswer<LogPage>(logs > 0 ? `/api/traces/${id}/logs` : undefined);
}

const NONE: ReadonlySet<Span> = new Set();
/** How long nothing must be typed before the collector is asked. */
const TYPING_MS = 150;

/** Spans of which the collector says that they have a text. */
export function useHits(trace: Trace, text: string): ReadonlySet<Span> {
  const [asked, setAsked] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const path = `/api/traces/${trace.id}/find?${new URLSearchParams({ text: asked })}`;
  const { value, path: from } = useAnswer<readonly string[]>(asked === "" ? undefined : path);
  return useMemo(() => {
    const isOfText = text === asked && from === path;
    if (value === undefined || !isOfText) return NONE;
    return new Set(value.map(trace.find).filter((span) => span !== undefined));
  }, [value, trace, text, asked, from, path]);
}
