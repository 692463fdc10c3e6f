import type { Style } from "./style.ts";
import { safeLines } from "./text.ts";

/**
 * What is told of an error: one line, and below it, when asked for, its traceback through every
 * process it came through.
 */
export function errorLines(
  error: unknown,
  style: Style,
  options: { readonly traceback?: boolean } = {},
): string[] {
  const message = error instanceof Error ? error.message : String(error);
  const [first = "", ...more] = safeLines(message);
  const lines = [`${style.bad("zp:")} ${first}`, ...more];
  const stack = error instanceof Error ? error.stack : undefined;
  if (options.traceback !== true || stack === undefined) return lines;
  return [...lines, ...safeLines(stack).map((each) => style.dim(each))];
}
