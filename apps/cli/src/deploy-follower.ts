import { setTimeout as sleep } from "node:timers/promises";
import type { Deploy, DeployApi, DeployEvent } from "@zeroplane/deploy-api";
import type { Connected } from "@zeroplane/rpc";
import type { Access } from "./access.ts";
import { CliError } from "./cli-error.ts";
import { EXIT, type ExitCode, exitCodeOf, exitCodeOfPhase } from "./exit-code.ts";
import { failureLines } from "./render/failure.ts";
import type { Live } from "./render/live.ts";
import { PhaseView } from "./render/phases.ts";
import type { Terminal } from "./render/terminal.ts";
import { safe } from "./render/text.ts";
import { formatMs } from "./render/units.ts";

/** A deploy that has ended, and the milliseconds of each of its phases. */
export interface Outcome {
  readonly deploy: Deploy;
  readonly times: Readonly<Record<string, number>>;
}

/** How a deploy is followed. */
export interface FollowOptions {
  /** Ctrl-C: ends the watching, not the deploy. */
  readonly signal: AbortSignal;
  /** Show the build's output even when this is no terminal. */
  readonly verbose: boolean;
}

const HOUR_MS = 3_600_000;
/** Breaks in a row without an event between them. */
const BREAKS_MAX = 20;
const PAUSE_MS = 500;

/** Shows a deploy as it goes: one line a phase, and what the build prints. */
export class DeployFollower {
  readonly #access: Access;
  readonly #terminal: Terminal;
  readonly #options: FollowOptions;
  readonly #view: PhaseView;

  constructor(access: Access, terminal: Terminal, options: FollowOptions) {
    this.#access = access;
    this.#terminal = terminal;
    this.#options = options;
    this.#view = new PhaseView(terminal.noteStyle);
  }

  /**
   * Follows the deploy `id` to its end, over breaks of the connection too.
   * @throws CliError ERR_CLI_CANCELLED at Ctrl-C, when the deploy goes on without us
   */
  async follow(api: Connected<DeployApi>, id: string): Promise<Outcome> {
    using live = this.#terminal.live();
    const ended = new AbortController();
    const output = this.#showOutput(id, live, ended.signal);
    try {
      for await (const event of this.#events(api, id)) {
        live.print(...this.#view.apply(event));
        this.#show(live);
      }
      return { deploy: await api.deploys.get(id), times: this.#view.times };
    } catch (error) {
      if (!this.#options.signal.aborted) throw error;
      const text = `not watched any more; the deploy goes on: zp deploys watch ${id}`;
      throw new CliError("ERR_CLI_CANCELLED", text);
    } finally {
      ended.abort();
      await output;
    }
  }

  /** Events to the last one; a broken connection is taken up after the last that came. */
  async *#events(api: Connected<DeployApi>, id: string): AsyncGenerator<DeployEvent> {
    const { signal } = this.#options;
    const watching = api.with({ signal, timeoutMs: HOUR_MS });
    let last = 0;
    for (let breaks = 0; ; breaks++) {
      try {
        for await (const event of watching.deploys.watch(id, last)) {
          last = event.seq;
          breaks = 0;
          yield event;
          if (event.phase === "done") return;
        }
      } catch (error) {
        const mayPass = exitCodeOf(error) === EXIT.transient;
        if (signal.aborted || !mayPass || breaks >= BREAKS_MAX) throw error;
      }
      signal.throwIfAborted();
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }

  #show(live: Live): void {
    const { status } = this.#view;
    const style = this.#terminal.noteStyle;
    live.status(status === undefined ? [] : [status], (line) => style.dim(line));
  }

  /** What the build prints, as long as `signal` is not aborted. Not having it is no failure. */
  async #showOutput(id: string, live: Live, signal: AbortSignal): Promise<void> {
    const { verbose } = this.#options;
    if (this.#access.location.logs === undefined || !(verbose || live.isLive)) return;
    const style = this.#terminal.noteStyle;
    try {
      const hub = await this.#access.logHub({ signal, timeoutMs: HOUR_MS });
      for await (const { text } of hub.logs.tail({ deploy: id, follow: true })) {
        live.print(style.dim(`  │ ${safe(text)}`));
      }
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      live.print(style.warn(`  │ the build's output cannot be shown: ${safe(reason)}`));
    }
  }
}

/**
 * Tells how a deploy ended: the URL as data, the rest beside it.
 * @returns the exit code
 */
export function printOutcome(
  { deploy, times }: Outcome,
  terminal: Terminal,
  options: { readonly json?: boolean; readonly totalMs?: number } = {},
): ExitCode {
  const { id, app, state, failure, release, traceId, url, createdAtMs, finishedAtMs } = deploy;
  const totalMs = options.totalMs ?? (finishedAtMs ?? Date.now()) - createdAtMs;
  if (state === "live") {
    const text = `${safe(app)} ${safe(release ?? "")} is live after ${formatMs(totalMs)}`;
    terminal.note(terminal.noteStyle.good(text));
  } else if (failure !== undefined && state === "failed") {
    for (const line of failureLines(deploy, terminal.noteStyle)) terminal.note(line);
  } else terminal.note(`deploy ${safe(id)} was ${state}: ${safe(failure?.message ?? "")}`);
  if (traceId !== undefined) terminal.note(`trace ${safe(traceId)}: zp trace ${safe(id)}`);
  if (options.json === true) terminal.json({ deploy, phases: times, totalMs: Math.round(totalMs) });
  else if (url !== undefined) terminal.print(safe(url));
  if (state === "live") return EXIT.ok;
  if (state === "superseded") return EXIT.cancelled;
  return exitCodeOfPhase(failure?.phase ?? "");
}
