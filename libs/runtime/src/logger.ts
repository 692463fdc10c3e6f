import type { Feed } from "@zeroplane/patterns";
import { currentIds } from "@zeroplane/tracing";
import { type Logger, multistream, pino } from "pino";
import { LINE_MAX, type LogLine, topicWord } from "./log-line.ts";

export type { Logger };

/** Who logs, and where to. */
export interface LoggerOptions {
  readonly service: string;
  readonly node: string;
  readonly level: string;
  /** The feed of lines, when there is a log hub. */
  readonly feed: Feed<LogLine> | undefined;
}

const REDACT = ["*.secret", "*.password", "*.token", "*.authorization", "*.secretKey"];

/** A pino logger whose lines carry the trace they belong to, and reach the log hub too. */
export function makeLogger({ service, node, level, feed }: LoggerOptions): Logger {
  const streams = [{ level: "trace" as const, stream: process.stdout }];
  const options = {
    level,
    base: { service, node },
    redact: REDACT,
    mixin: () => ({ ...currentIds() }),
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (feed === undefined) return pino(options, multistream(streams));
  const topic = `service.${topicWord(service)}.${topicWord(node)}`;
  const ship = { write: (text: string) => void feed.put(topic, toLogLine(text)) };
  return pino(options, multistream([...streams, { level: "trace", stream: ship }]));
}

/** A line that pino wrote, as the feed carries it. */
function toLogLine(text: string): LogLine {
  const {
    level,
    time: _time,
    msg,
    trace_id,
    span_id,
    ...rest
  } = JSON.parse(text) as Record<string, unknown>;
  const { service: _service, node: _node, ...fields } = rest;
  return {
    stream: "log",
    text: (typeof msg === "string" ? msg : JSON.stringify(msg ?? "")).slice(0, LINE_MAX),
    level: Number(level),
    ...(Object.keys(fields).length > 0 && { fields }),
    ...(typeof trace_id === "string" && { traceId: trace_id }),
    ...(typeof span_id === "string" && { spanId: span_id }),
  };
}
