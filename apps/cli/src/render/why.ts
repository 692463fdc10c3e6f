import type { Style } from "./style.ts";
import { clip, pad, padLeft, safe, safeLines } from "./text.ts";
import { formatMs } from "./units.ts";
import type { Hop, OwnTime, WaitedPart, Why, WhyFailure } from "./why-of.ts";

const PARTS_MAX = 20;
const OPERATIONS_MAX = 8;
const FAILURES_MAX = 5;
const STACK_LINES_MAX = 40;
const NAME_WIDTH = 48;
const BAR_WIDTH = 20;

/**
 * What a trace says of itself in words: what the whole of it waited for, which operations took the
 * time, and what failed, from where it began through every process that it came through.
 */
export function whyLines(why: Why, style: Style): string[] {
  const { traceId, operation, durationMs } = why;
  const head = `trace ${safe(traceId)}  ${safe(operation)}  ${formatMs(durationMs)}`;
  return [
    style.bold(head),
    ...waitedFor(why, style),
    ...tookTime(why.tookTime, style),
    ...failed(why.failed, style),
  ];
}

const named = ({ service, operation }: Hop | WaitedPart | OwnTime): string =>
  safe(`${service} ${operation}`);

function waitedFor({ waitedFor: parts, durationMs: wholeMs }: Why, style: Style): string[] {
  const longest = parts.toSorted((a, b) => b.ms - a.ms).slice(0, PARTS_MAX);
  const shown = longest.toSorted((a, b) => a.atMs - b.atMs);
  const rest = parts.length - shown.length;
  return [
    "",
    style.bold("what it waited for, in order"),
    ...shown.map((part) => line(named(part), part.ms, { wholeMs, style })),
    ...(rest > 0 ? [style.dim(`  and ${rest} shorter parts`)] : []),
  ];
}

function tookTime(operations: readonly OwnTime[], style: Style): string[] {
  const wholeMs = operations.reduce((sum, { selfMs }) => sum + selfMs, 0);
  return [
    "",
    style.bold("what took the time, without what it called"),
    ...operations.slice(0, OPERATIONS_MAX).map((each) => {
      const name = named(each);
      const many = each.spans > 1 ? `${name} ×${each.spans}` : name;
      return line(many, each.selfMs, { wholeMs, style });
    }),
  ];
}

function line(
  name: string,
  ms: number,
  { wholeMs, style }: { readonly wholeMs: number; readonly style: Style },
): string {
  const share = wholeMs > 0 ? ms / wholeMs : 0;
  const bar = style.accent("━".repeat(Math.round(share * BAR_WIDTH)));
  const percent = padLeft(`${(share * 100).toFixed(1)} %`, 7);
  return `  ${pad(clip(name, NAME_WIDTH), NAME_WIDTH)} ${padLeft(formatMs(ms), 10)} ${percent}  ${bar}`.trimEnd();
}

function failed(failures: readonly WhyFailure[], style: Style): string[] {
  if (failures.length === 0) return [];
  const rest = failures.length - FAILURES_MAX;
  return [
    "",
    style.bold("what failed"),
    ...failures.slice(0, FAILURES_MAX).flatMap((each) => failure(each, style)),
    ...(rest > 0 ? [style.dim(`  and ${rest} more; zp trace shows all`)] : []),
  ];
}

function failure(each: WhyFailure, style: Style): string[] {
  const { type, message, origin, through, also, stack } = each;
  const hop = (way: string, at: Hop): string =>
    `    ${way} ${named(at)} ${style.dim(safe(at.node))}`;
  const lines = stack === undefined ? [] : folded(safeLines(stack));
  return [
    `  ${style.bad("✗")} ${style.bad(safe(`${type}: ${message}`))}`,
    hop("began in", origin),
    ...through.map((span) => hop("through", span)),
    ...also.map((span) => hop("also told to", span)),
    ...lines.slice(0, STACK_LINES_MAX).map((text) => style.dim(`    ${text}`)),
  ];
}

const LIBRARY = /^\s*at .*(node_modules|node:|\/libs\/(rpc|link|patterns|tracing)\/)/;

/** Frames of libraries in a row become one line. */
function folded(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let hidden = 0;
  for (const text of [...lines, ""]) {
    if (LIBRARY.test(text)) {
      hidden++;
      continue;
    }
    if (hidden > 0) kept.push(`    … ${hidden} library frame${hidden === 1 ? "" : "s"}`);
    hidden = 0;
    if (text !== "") kept.push(text);
  }
  return kept;
}
