import { toJson } from "./json.ts";
import { Live, type LiveStream } from "./live.ts";
import { hasColors, Style } from "./style.ts";
import { type Cell, table } from "./table.ts";

/** Both outputs of `zp`: data on one, progress and trouble on the other. */
export class Terminal {
  readonly out: LiveStream;
  readonly err: LiveStream;
  /** Colours of data. */
  readonly style: Style;
  /** Colours of progress. */
  readonly noteStyle: Style;

  constructor(
    out: LiveStream = process.stdout,
    err: LiveStream = process.stderr,
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.out = out;
    this.err = err;
    this.style = new Style(hasColors(out, env));
    this.noteStyle = new Style(hasColors(err, env));
  }

  /** Lines of data. */
  print(...lines: readonly string[]): void {
    for (const line of lines) this.out.write(`${line}\n`);
  }

  /** A value as JSON; `oneLine` for streams. */
  json(value: unknown, options: { readonly oneLine?: boolean } = {}): void {
    this.print(toJson(value, options.oneLine === true ? 0 : 2));
  }

  /** A table of data, or a line on the other output when it is empty. */
  table(head: readonly string[], rows: readonly (readonly Cell[])[], whenEmpty: string): void {
    if (rows.length === 0) this.note(whenEmpty);
    else this.print(...table(head, rows, this.style));
  }

  /** A line for the reader, not for a pipe. */
  note(line: string): void {
    this.err.write(`${line}\n`);
  }

  /** Progress. */
  live(): Live {
    return new Live(this.err);
  }
}
