/** A process of the state suite: `owner endpoint` or `viewer endpoint name history`. */
import { openSync, writeSync } from "node:fs";
import { listen } from "@zeroplane/link";
import { openState, type View, viewState } from "@zeroplane/patterns";

/** What a process shows when it is asked. */
export interface Shown {
  readonly epoch: number;
  readonly version: number;
  readonly entries: readonly (readonly [string, number])[];
  /** Promises that were broken, in words. */
  readonly broken: readonly string[];
}

export const STATE = "chaos";
export const COUNTER = "counter";
const TICK_MS = 5;
const ADD_MS = 10;
const KEYS = 200;
const RESUME_MS = 2_000;

const [role, endpoint = "", name = "", history = ""] = process.argv.slice(2);
let isBusy = true;
const broken: string[] = [];
process.once("disconnect", () => process.exit(0));
if (role === "owner") await own();
else if (role === "viewer") view();

async function own(): Promise<void> {
  const listener = await listen(endpoint, { resumeMs: RESUME_MS });
  const state = openState<number>(STATE, listener, { writable: () => true });
  setInterval(() => {
    if (!isBusy) return;
    const key = `keys/${Math.floor(Math.random() * KEYS)}`;
    if (Math.random() < 0.2) state.delete(key);
    else state.set(key, Math.random(), Math.random() < 0.2 ? { ttlMs: 500 } : {});
  }, TICK_MS);
  answer(() => ({
    epoch: state.epoch,
    version: state.version,
    entries: state.entries(),
    broken,
  }));
}

function view(): void {
  const log = openSync(history, "a");
  let before = { epoch: 0, version: 0 };
  const shown = viewState<number>(endpoint, STATE, {
    node: name,
    apply: ({ epoch, version }) => {
      if (epoch === before.epoch && version < before.version) {
        broken.push(`${name} goes back from ${before.version} to ${version}`);
      }
      before = { epoch, version };
    },
  });
  setInterval(() => {
    if (isBusy && shown.fresh) void add(shown, log);
  }, ADD_MS);
  void hold(shown);
  answer(() => ({
    epoch: shown.epoch,
    version: shown.version,
    entries: shown.entries(),
    broken,
  }));
}

/** Adds one to the counter as it is seen here, and writes down what became of it. */
async function add(shown: View<number>, log: number): Promise<void> {
  const seen = shown.at(COUNTER);
  const { epoch } = shown;
  writeSync(log, `? ${epoch}\n`);
  try {
    await shown.set(COUNTER, (seen?.value ?? 0) + 1, { if: seen ?? 0, timeoutMs: 5_000 });
    writeSync(log, `+ ${epoch}\n`);
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_CONFLICT") writeSync(log, `- ${epoch}\n`);
  }
}

/** Holds a key for as long as this process lives. */
async function hold(shown: View<number>): Promise<void> {
  const key = `held/${name}/${process.pid}`;
  setInterval(() => {
    if (shown.fresh && shown.get(key) === undefined) {
      shown.set(key, 1, { ephemeral: true }).catch(() => undefined);
    }
  }, 100);
}

function answer(show: () => Shown): void {
  process.on("message", (question: { readonly rest?: true; readonly pid?: true }) => {
    if (question.rest === true) isBusy = false;
    process.send?.(question.pid === true ? process.pid : show());
  });
  process.send?.("ready");
}
