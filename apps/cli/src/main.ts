import { EXIT } from "./exit-code.ts";
import { runProgram } from "./program.ts";

/** What is closed and does not end must not keep a finished command. */
const LINGER_MS = 3_000;

// bin/zp.js holds a channel: when it is killed, this process ends as well.
if (process.env["ZP_STARTER"] !== undefined) {
  delete process.env["ZP_STARTER"];
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel?.unref();
}

// A reader such as `head` that has enough is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.failure);
});

process.exitCode = await runProgram(process.argv.slice(2));
setTimeout(() => process.exit(), LINGER_MS).unref();
