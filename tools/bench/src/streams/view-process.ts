/** Views a state in a process of its own, and says how long its first snapshot took. */
import { viewState } from "@zeroplane/patterns";
import { answerParent } from "../peer-process.ts";
import { NAME } from "./body.ts";

const [to = ""] = process.argv.slice(2);
const startMs = performance.now();
const view = viewState(to, NAME);
await view.ready(60_000);
const snapshotMs = Math.round(performance.now() - startMs);
answerParent({ snapshotMs, keys: view.entries().length }, () => view.version);
