import type { Crash } from "../platform/supervised.ts";
import type { Live } from "./live.ts";
import type { Style } from "./style.ts";
import { pad, safe } from "./text.ts";
import { formatMs } from "./units.ts";

type State = "starting" | "ready" | "restarting";

const MARKS: Readonly<Record<State, string>> = { starting: "…", ready: "✓", restarting: "!" };
const REDRAW_MS = 200;

/** Shows a platform as it starts: a table on a terminal, elsewhere a line when it is done. */
export class LaunchView implements Disposable {
  readonly #live: Live;
  readonly #style: Style;
  readonly #states = new Map<string, { state: State; ms?: number }>();
  readonly #startedAtMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #isFinished = false;

  constructor(live: Live, style: Style) {
    this.#live = live;
    this.#style = style;
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS).unref();
  }

  /** Processes were started. */
  started(nodes: readonly string[]): void {
    for (const node of nodes) this.#states.set(node, { state: "starting" });
    this.#draw();
  }

  /** A process is ready. */
  ready(node: string): void {
    this.#states.set(node, { state: "ready", ms: performance.now() - this.#startedAtMs });
    this.#draw();
  }

  /** A process has ended by itself. */
  crashed({ node, how, restartInMs }: Crash): void {
    if (!this.#isFinished) this.#states.set(node, { state: "restarting" });
    const text = `${node} ended (${safe(how)}); started again in ${formatMs(restartInMs)}`;
    this.#live.print(this.#style.warn(`! ${text}`));
  }

  /** All are ready. */
  finish(): void {
    this.#end();
    const took = formatMs(performance.now() - this.#startedAtMs);
    this.#live.print(this.#style.good(`✓ ${this.#states.size} processes are ready after ${took}`));
  }

  /** Everything is being stopped. */
  stopping(): void {
    this.#end();
    this.#live.print(this.#style.dim("stopping; once more to kill"));
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #end(): void {
    this.#isFinished = true;
    clearInterval(this.#timer);
    this.#live.status([]);
  }

  #draw(): void {
    if (this.#isFinished) return;
    const width = Math.max(0, ...[...this.#states.keys()].map((node) => node.length));
    const elapsed = performance.now() - this.#startedAtMs;
    const lines = [...this.#states].map(([node, { state, ms }]) => {
      return `${MARKS[state]} ${pad(node, width)}  ${pad(state, 10)}  ${formatMs(ms ?? elapsed)}`;
    });
    this.#live.status(lines, (line) => this.#paint(line));
  }

  #paint(line: string): string {
    if (line.startsWith(MARKS.ready)) return this.#style.good(line);
    return line.startsWith(MARKS.restarting) ? this.#style.warn(line) : this.#style.dim(line);
  }
}
