import type { DeployEvent } from "@zeroplane/deploy-api";
import type { Style } from "./style.ts";
import { clip, pad, padLeft, safe } from "./text.ts";
import { formatMs } from "./units.ts";

const NAME_WIDTH = 7;
const TIME_WIDTH = 9;
const DETAIL_WIDTH = 160;

/** One line of a phase that has ended: `✓ build     1.24 s  builder-1, attempt 1`. */
export function phaseLine(
  phase: string,
  about: { readonly ms?: number; readonly detail?: string; readonly failed?: boolean },
  style: Style,
): string {
  const mark = about.failed === true ? style.bad("✗") : style.good("✓");
  const time = padLeft(about.ms === undefined ? "" : formatMs(about.ms), TIME_WIDTH);
  const detail = clip(safe(about.detail ?? ""), DETAIL_WIDTH);
  return `${mark} ${pad(safe(phase), NAME_WIDTH)}${time}  ${style.dim(detail)}`.trimEnd();
}

/** Turns the events of a deploy into one line a phase. */
export class PhaseView {
  readonly #style: Style;
  readonly #times: Record<string, number> = {};
  #details: string[] = [];
  #current: string | undefined;
  #startedAtMs = 0;

  constructor(style: Style) {
    this.#style = style;
  }

  /** Milliseconds of each phase that has ended. */
  get times(): Readonly<Record<string, number>> {
    return this.#times;
  }

  /** What goes on now, `undefined` between phases. */
  get status(): string | undefined {
    if (this.#current === undefined) return undefined;
    return `… ${pad(this.#current, NAME_WIDTH)}${" ".repeat(TIME_WIDTH)}  ${this.#detail()}`;
  }

  /** @returns the lines that this event settles */
  apply(event: DeployEvent): string[] {
    const { phase, status, message } = event;
    if (phase === "done") return [];
    if (status === "started") {
      this.#begin(phase, event.atMs);
      return [];
    }
    if (phase === "queued") return [`  ${pad(phase, NAME_WIDTH)} ${safe(message)}`];
    if (status === "progress") {
      this.#add(message);
      return [];
    }
    return [this.#end(event)];
  }

  #begin(phase: string, atMs: number): void {
    this.#current = safe(phase);
    this.#startedAtMs = atMs;
    this.#details = [];
  }

  /** A step's end replaces its begin: `install` becomes `install finished 2.1 s`. */
  #add(message: string): void {
    const at = this.#details.findLastIndex((each) => message.startsWith(`${each} `));
    if (at === -1) this.#details.push(message);
    else this.#details[at] = message;
  }

  #end({ phase, status, message, ms, atMs }: DeployEvent): string {
    const took = ms ?? atMs - this.#startedAtMs;
    const failed = status === "failed";
    this.#times[phase] = took;
    this.#current = undefined;
    const detail = failed ? message : this.#detail();
    return phaseLine(phase, { ms: took, detail, failed }, this.#style);
  }

  #detail(): string {
    const told = this.#details.filter((each) => !each.endsWith(" finished 0.0 s"));
    return told.map((each) => safe(each.replace(" finished", ""))).join(" · ");
  }
}
