import { Readable } from "node:stream";
import type { Stream } from "../item-pump.ts";
import { problemOf } from "./problem.ts";

/** How the items of a stream are written. */
export interface Lines {
  readonly type: string;
  readonly item: (value: unknown) => string;
  readonly failed: (error: unknown) => string;
  readonly end: string;
}

/** A JSON value a line; a failure is a last line with `problem` alone. */
export const NDJSON: Lines = {
  type: "application/x-ndjson; charset=utf-8",
  item: (value) => `${JSON.stringify(value ?? null)}\n`,
  failed: (error) => `${JSON.stringify({ problem: problemOf(error) })}\n`,
  end: "",
};

/** Server-sent events: `message` with an item each, then `end`, or `problem` when it fails. */
export const SSE: Lines = {
  type: "text/event-stream; charset=utf-8",
  item: (value) => `data: ${JSON.stringify(value ?? null)}\n\n`,
  failed: (error) => `event: problem\ndata: ${JSON.stringify(problemOf(error))}\n\n`,
  end: "event: end\ndata:\n\n",
};

async function* written(stream: Stream, lines: Lines): AsyncGenerator<string> {
  let isDone = false;
  try {
    for (;;) {
      const { done, value } = await stream.next();
      isDone = done === true;
      if (isDone) break;
      yield lines.item(value);
    }
    if (lines.end !== "") yield lines.end;
  } catch (error) {
    isDone = true;
    yield lines.failed(error);
  } finally {
    // The client went away, or takes no more.
    if (!isDone) await stream.return?.(undefined);
  }
}

/** The items of `stream` as bytes; reading slowly slows the generator, closing ends it. */
export const toReadable = (stream: Stream, lines: Lines): Readable =>
  Readable.from(written(stream, lines), { objectMode: false });
