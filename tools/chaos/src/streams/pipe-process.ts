/** A process of the pipe suite: `collector endpoint` or `sender endpoint name`. */
import { collectPipe, openPipe } from "@zeroplane/patterns";

const TICK_MS = 5;
const BURST = 40;
/** Little, so that a standstill of the collector makes it drop. */
const BYTES_MAX = 64 * 1024;

const [role, endpoint = "", name = ""] = process.argv.slice(2);
process.once("disconnect", () => process.exit(0));
if (role === "collector") await collect();
else if (role === "sender") send();

async function collect(): Promise<void> {
  const collector = await collectPipe({ bind: endpoint, onMessage: () => undefined });
  process.on("message", () => process.send?.(collector.stats()));
  process.send?.("ready");
}

function send(): void {
  const node = `${name}/${process.pid}`;
  const pipe = openPipe(endpoint, { node, bytesMax: BYTES_MAX });
  let isBusy = true;
  let pushed = 0;
  const push = (): void => {
    pushed++;
    pipe.push("n", Buffer.alloc(100), { rank: pushed % 10 === 0 ? 3 : 0 });
  };
  setInterval(() => {
    if (!isBusy) return;
    for (let left = BURST; left > 0; left--) push();
  }, TICK_MS);
  process.on("message", ({ rest }: { readonly rest?: true }) => {
    if (rest === true) isBusy = false;
    // One more shows what was lost before it.
    if (!isBusy) push();
    process.send?.({ node, pushed, ...pipe.stats() });
  });
  process.send?.("ready");
}
