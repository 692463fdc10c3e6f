import type { PlanStep } from "@zeroplane/deploy-api";
import { BuildError, type BuildErrorCode, type BuildPhase } from "./build-error.ts";
import type { StepEnd } from "./step-run.ts";

const NETWORK =
  /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|ECONNREFUSED|ERR_SOCKET_TIMEOUT|EHOSTUNREACH|NewConnectionError|Could not fetch URL|code E50\d/;
const DISK = /ENOSPC|No space left on device/;

interface Finding {
  readonly code: BuildErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** The phase a step of the plan belongs to. */
export function phaseOf(step: PlanStep): BuildPhase {
  return step.name === "install" ? "install" : "build";
}

/**
 * Explains why a step failed, from how it ended and what it printed last.
 * @param step the step
 * @param end how it ended; not with exit code 0
 */
export function explain(step: PlanStep, end: StepEnd): BuildError {
  const { code, message, hint } = findingOf(step, end);
  return new BuildError(code, message, {
    phase: phaseOf(step),
    step: step.name,
    lastLines: end.lastLines,
    ...(end.code === null ? {} : { exitCode: end.code }),
    ...(end.signal === null ? {} : { signal: end.signal }),
    ...(hint === undefined ? {} : { hint }),
    ...(end.startError === undefined ? {} : { cause: end.startError }),
  });
}

function findingOf(step: PlanStep, end: StepEnd): Finding {
  const command = step.command.join(" ");
  if (end.timedOut) return { code: "ERR_BUILD_TIMEOUT", ...timeoutText(step) };
  if (end.startError !== undefined || end.code === 127) return missingTool(step, end);
  const lock = lockMismatch(end.lastLines);
  if (lock !== undefined) return lock;
  const output = end.lastLines.join("\n");
  if (DISK.test(output)) {
    return { code: "ERR_BUILD_DISK", message: `step ${step.name} ran out of disk space` };
  }
  if (phaseOf(step) === "install" && NETWORK.test(output)) return unreachable(step);
  const how = end.code === null ? `was ended by ${end.signal}` : `ended with exit code ${end.code}`;
  const last = lastError(end.lastLines);
  const message = `step ${step.name} (${command}) ${how}${last === undefined ? "" : `: ${last}`}`;
  return { code: "ERR_BUILD_STEP", message };
}

function timeoutText(step: PlanStep): { message: string; hint: string } {
  const seconds = Math.round(step.timeoutMs / 1000);
  return {
    message: `step ${step.name} (${step.command.join(" ")}) was not done in ${seconds} s`,
    hint: "look at the last line it printed; a build must not wait for input or watch files",
  };
}

function missingTool(step: PlanStep, end: StepEnd): Finding {
  const program = step.shell === true ? step.command.join(" ") : (step.command[0] ?? "");
  const reason = end.startError?.message ?? lastError(end.lastLines) ?? "command not found";
  return {
    code: "ERR_BUILD_TOOL",
    message: `step ${step.name} cannot run ${program}: ${reason}`,
    hint: "install the program on the builder or make it a dependency of the app",
  };
}

function unreachable(step: PlanStep): Finding {
  const hint =
    step.command[0] === "python3"
      ? "put wheels into vendor/: python3 -m pip download -d vendor -r requirements.txt"
      : "check that the builder reaches the npm registry, then deploy again";
  return {
    code: "ERR_BUILD_NETWORK",
    message: `step ${step.name} cannot reach a package index`,
    hint,
  };
}

/** npm's EUSAGE of `npm ci`, told in one line with the packages it names. */
function lockMismatch(lines: readonly string[]): Finding | undefined {
  if (!lines.some((line) => line.includes("EUSAGE"))) return undefined;
  const packages = lines.flatMap((line) => {
    const missing = /Missing: (\S+) from lock file/.exec(line)?.[1];
    if (missing !== undefined) return [`${missing} is missing`];
    const [, locked, wanted] = /Invalid: lock file's (\S+) does not satisfy (\S+)/.exec(line) ?? [];
    return locked === undefined ? [] : [`${locked} is locked but ${wanted} is asked for`];
  });
  const named = [...new Set(packages)];
  const more = named.length > 5 ? [`and ${named.length - 5} more`] : [];
  const which = named.length === 0 ? "" : ` (${[...named.slice(0, 5), ...more].join(", ")})`;
  const mend = "run npm install and commit package-lock.json";
  return {
    code: "ERR_BUILD_LOCKFILE",
    message: `package-lock.json does not match package.json${which}: ${mend}`,
    hint: mend,
  };
}

/** The line that most likely says why: the last one with "error" in it, else the very last one. */
function lastError(lines: readonly string[]): string | undefined {
  const said = lines.filter((line) => line.trim() !== "" && !/npm (error|warn) /i.test(line));
  const line = said.findLast((text) => /\berror\b|Error:/i.test(text)) ?? said.at(-1);
  return line?.trim().slice(0, 300);
}
