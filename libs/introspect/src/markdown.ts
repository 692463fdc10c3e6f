import {
  type Description,
  type Doc,
  type MethodDescription,
  signatureText,
} from "./description.ts";

/** A reference page in Markdown: every method with its signature, words, parameters and place. */
export function toMarkdown(description: Description): string {
  const methods = Object.values(description.methods);
  const groups = Object.entries(description.groups).map(
    ([path, doc]) => `**\`${path}\`** ${doc.summary}`,
  );
  const types = Object.values(description.types);
  const parts = [
    `# ${description.name}`,
    description.doc ? words(description.doc) : "",
    groups.join("  \n"),
    ...methods.map(methodText),
    types.length > 0 ? `## Types\n\n${fence("ts", types.join("\n\n"))}` : "",
  ];
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

function methodText(method: MethodDescription): string {
  const { doc, returns, source } = method;
  const signatures = [signatureText(method), ...method.overloads.map((text) => method.name + text)];
  const item = method.kind === "stream" ? `A stream of \`${code(returns.item)}\`.` : "";
  const parts = [
    `## ${method.name}`,
    fence("ts", signatures.join("\n")),
    doc?.deprecated === undefined ? "" : `> **Deprecated.** ${doc.deprecated}`.trim(),
    doc ? words(doc) : "",
    parameterTable(method),
    [item, returns.doc ? `Returns ${returns.doc}` : ""].filter(Boolean).join(" "),
    (doc?.throws ?? []).map((text) => `- Throws ${text}`).join("\n"),
    ...(doc?.examples ?? []).map((text) => (text.includes("```") ? text : fence("ts", text))),
    source.file ? `<sub>${source.file}:${source.line ?? 1}</sub>` : "",
  ];
  return parts.filter(Boolean).join("\n\n");
}

function parameterTable({ parameters }: MethodDescription): string {
  if (parameters.length === 0) return "";
  const rows = parameters.map(({ name, type, optional, rest, default: value, doc }) => {
    const shown = `\`${rest ? "..." : ""}${name}${optional && !rest && value === undefined ? "?" : ""}\``;
    const given = value === undefined ? "" : `\`${cell(code(value))}\``;
    return `| ${shown} | \`${cell(code(type))}\` | ${given} | ${cell(doc)} |`;
  });
  return ["| parameter | type | default | |", "|---|---|---|---|", ...rows].join("\n");
}

function words({ summary, description }: Doc): string {
  return [summary, description].filter(Boolean).join("\n\n");
}

function code(text: string): string {
  return text.replaceAll("`", "'");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** A fence longer than any in the text. */
function fence(language: string, text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const mark = "`".repeat(longest + 1);
  return `${mark}${language}\n${text}\n${mark}`;
}
