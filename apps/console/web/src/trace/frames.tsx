import type { JSX } from "preact";
import { count } from "../words.ts";

const LIBRARY = /node_modules|node:internal|\(node:|\/libs\/(rpc|link|patterns|tracing)\//;

interface Group {
  readonly isLibrary: boolean;
  readonly lines: string[];
}

/** A traceback, with frames of libraries folded and the borders between processes marked. */
export function Frames({ text }: { readonly text: string }): JSX.Element {
  const groups: Group[] = [];
  for (const line of text.split("\n")) {
    const isLibrary = line.trimStart().startsWith("at ") && LIBRARY.test(line);
    const last = groups.at(-1);
    if (last?.isLibrary === isLibrary) last.lines.push(line);
    else groups.push({ isLibrary, lines: [line] });
  }
  return (
    <pre class="frames">
      {groups.map(({ isLibrary, lines }, i) =>
        isLibrary ? (
          <details key={i}>
            <summary>… {count(lines.length, "library frame")}</summary>
            {lines.join("\n")}
          </details>
        ) : (
          lines.map((line, j) => (
            <span key={j} class={line.trimStart().startsWith("---") ? "border" : ""}>
              {line}
              {"\n"}
            </span>
          ))
        ),
      )}
    </pre>
  );
}
