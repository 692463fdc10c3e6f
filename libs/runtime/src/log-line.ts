/**
 * One line on the feed `logs`. Its topic tells whose it is: `service.<service>.<node>` of a
 * process of the platform, `app.<app>.<instance>` of a user's app, `build.<app>.<deploy>`.
 */
export interface LogLine {
  /** `log` is a structured line of ours; `out` and `err` are what a process printed. */
  readonly stream: "log" | "out" | "err";
  readonly text: string;
  /** pino's numbers: 30 info, 40 warn, 50 error. Of structured lines only. */
  readonly level?: number;
  /** What else a structured line said. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly traceId?: string;
  readonly spanId?: string;
}

/** Name of the feed that carries every line. */
export const LOGS_FEED = "logs";

/** The longest text of a line, characters; the rest is cut off and said. */
export const LINE_MAX = 16_384;

/** A word of a topic: dots and blanks become dashes. */
export const topicWord = (text: string): string => text.replace(/[^\w-]/g, "-") || "-";
