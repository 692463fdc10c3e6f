import type { Deploy } from "@zeroplane/deploy-api";
import type { Style } from "./style.ts";
import { safe, safeLines } from "./text.ts";

const LINES_MAX = 40;

/** All that is known of why a deploy failed: phase, message, last lines, traceback, hint. */
export function failureLines(deploy: Deploy, style: Style): string[] {
  const { failure, id, app } = deploy;
  if (failure === undefined) return [`${style.bad("✗")} deploy ${safe(id)} ${safe(deploy.state)}`];
  const { phase, code, message, hint, lastLines = [], traceback } = failure;
  const lines = lastLines.slice(-LINES_MAX).flatMap(safeLines);
  const trace = traceback === undefined ? [] : safeLines(traceback);
  return [
    "",
    `${style.bad(`${safe(phase)} of ${safe(app)} failed:`)} ${safe(message)} ${style.dim(safe(code))}`,
    ...section("last lines", lines, style),
    ...section("traceback", trace, style),
    ...(hint === undefined ? [] : ["", `${style.accent("hint:")} ${safe(hint)}`]),
  ];
}

function section(title: string, lines: readonly string[], style: Style): string[] {
  if (lines.length === 0) return [];
  return ["", style.bold(title), ...lines.map((line) => style.dim(`  ${line}`))];
}
