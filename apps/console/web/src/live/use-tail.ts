import type { LiveSpans } from "@zeroplane/trace-collector/api";
import { useEffect, useState } from "preact/hooks";
import { after, NOTHING, type Tail } from "./tail.ts";

/** An answer that is no stream is asked for again after this. */
const AGAIN_MS = 2_000;

/** What the collector tells at `path`, from now on; a broken stream goes on with what was there. */
export function useTail(path: string): { readonly tail: Tail; readonly isLive: boolean } {
  const [tail, setTail] = useState(NOTHING);
  const [isLive, setLive] = useState(false);
  useEffect(() => {
    let timer: number | undefined;
    let source: EventSource;
    const open = (): void => {
      source = new EventSource(path);
      source.onopen = () => setLive(true);
      source.onerror = () => {
        setLive(false);
        if (source.readyState === EventSource.CLOSED) timer = window.setTimeout(open, AGAIN_MS);
      };
      source.onmessage = ({ data }) => {
        const event = JSON.parse(String(data)) as LiveSpans;
        setTail((before) => after(before, event));
      };
    };
    setTail(NOTHING);
    open();
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [path]);
  return { tail, isLive };
}

/** The time now, again every `everyMs`. */
export function useNow(everyMs: number): number {
  const [nowMs, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
