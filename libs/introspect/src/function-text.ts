import type { Found } from "./find-source.ts";
import { SourceFile } from "./source-file.ts";

/** The function's own text as a file, when nothing else is left of its source; undefined when native. */
export function functionText(fn: object): Found | undefined {
  const text = Function.prototype.toString.call(fn);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(text)) return undefined;
  // A method's text stands alone only inside an object; a function's only outside of one.
  for (const whole of [`(${text})`, `({${text}})`]) {
    const file = new SourceFile("/function.js", whole);
    const [site] = file.functions;
    if (!file.hasErrors && site) return { file, site, kind: "function" };
  }
  return undefined;
}
