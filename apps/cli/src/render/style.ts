import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** What colours depend on. */
export interface ColorSource {
  readonly isTTY?: boolean | undefined;
}

/** True on a terminal, unless NO_COLOR is set or TERM is `dumb`. */
export function hasColors(stream: ColorSource, env: NodeJS.ProcessEnv = process.env): boolean {
  const { NO_COLOR = "", TERM } = env;
  return stream.isTTY === true && NO_COLOR === "" && TERM !== "dumb";
}

/** Colours, or none. */
export class Style {
  readonly enabled: boolean;

  constructor(enabled: boolean) {
    this.enabled = enabled;
  }

  bold(text: string): string {
    return this.#paint("bold", text);
  }

  dim(text: string): string {
    return this.#paint("dim", text);
  }

  good(text: string): string {
    return this.#paint("green", text);
  }

  bad(text: string): string {
    return this.#paint("red", text);
  }

  warn(text: string): string {
    return this.#paint("yellow", text);
  }

  accent(text: string): string {
    return this.#paint("cyan", text);
  }

  #paint(format: Format, text: string): string {
    if (!this.enabled || text === "") return text;
    return styleText(format, text, { validateStream: false });
  }
}
