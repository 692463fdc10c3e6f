import type { Command } from "commander";
import type { Context } from "../context.ts";
import { examine } from "../doctor.ts";
import { EXIT } from "../exit-code.ts";
import { withExamples } from "../remote-command.ts";
import { safe } from "../render/text.ts";

/** `zp doctor`. */
export function addDoctor(program: Command, context: Context): void {
  withExamples(
    program
      .command("doctor")
      .description("whether this machine has what services need, and what to do where it has not")
      .option("--json", "print JSON")
      .action(({ json }: { readonly json?: boolean }) => doctor(json === true, context)),
    "zp doctor",
    "zp doctor --json",
  );
}

async function doctor(asJson: boolean, context: Context): Promise<void> {
  const findings = await examine(context.dataFolder({}));
  const { terminal } = context;
  const { style } = terminal;
  if (findings.some(({ state }) => state === "bad")) context.exitCode = EXIT.failure;
  if (asJson) return terminal.json(findings);
  const marks = { good: style.good("✓"), poor: style.warn("!"), bad: style.bad("✗") };
  for (const { name, state, found, mend } of findings) {
    terminal.print(`${marks[state]} ${name.padEnd(12)} ${safe(found)}`);
    if (mend !== undefined) terminal.print(style.dim(`  ${" ".repeat(12)} ${mend}`));
  }
}
