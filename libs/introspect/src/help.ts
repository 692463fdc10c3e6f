import { stripVTControlCharacters, styleText } from "node:util";
import {
  type Description,
  type MethodDescription,
  methodOf,
  signatureText,
} from "./description.ts";
import { usedTypes } from "./used-types.ts";

/** How help looks. */
export interface HelpOptions {
  /** ANSI colours. Default: false. */
  color?: boolean;
  /** Columns to wrap at. Default: 100. */
  width?: number;
}

interface Page {
  width: number;
  title(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
}

/**
 * Readable help: the list of methods, or all about one. Control characters in the author's words
 * are left out, so that no server can write to a terminal but text.
 *
 * @throws `ERR_INTROSPECT_METHOD`
 */
export function toHelp(
  description: Description,
  method?: string,
  options: HelpOptions = {},
): string {
  const paint = (style: Parameters<typeof styleText>[0]) => (text: string) =>
    options.color ? styleText(style, text, { validateStream: false }) : text;
  const page: Page = {
    width: Math.max(options.width ?? 100, 40),
    title: paint(["bold", "underline"]),
    strong: paint("bold"),
    faint: paint("dim"),
  };
  const safe = sanitized(description);
  return method === undefined ? overview(safe, page) : detail(safe, methodOf(safe, method), page);
}

function overview(description: Description, page: Page): string {
  const groupOf = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf(".")));
  const methods = Object.values(description.methods).toSorted((one, other) =>
    groupOf(one.name).localeCompare(groupOf(other.name)),
  );
  const heads = methods.map((method) => shortSignature(method));
  const column = Math.min(
    Math.max(0, ...heads.map(({ length }) => length)),
    Math.floor(page.width / 2),
  );
  const lines: string[] = [page.title(description.name)];
  if (description.doc) lines.push("", ...wrap(words(description.doc), page.width));
  let group: string | undefined;
  for (const [at, method] of methods.entries()) {
    if (groupOf(method.name) !== group) {
      group = groupOf(method.name);
      const doc = Object.hasOwn(description.groups, group)
        ? description.groups[group]?.summary
        : undefined;
      lines.push(
        "",
        ...(group === "" ? [] : [page.strong(group) + (doc ? `  ${page.faint(doc)}` : "")]),
      );
    }
    lines.push(...row(method, { head: heads[at] ?? "", column, page }));
  }
  if (methods.length === 0) lines.push("", "No methods.");
  const getters = Object.entries(description.getters ?? {});
  if (getters.length > 0) lines.push("", page.strong("Getters, which are not served"));
  for (const [name, { type, doc }] of getters)
    lines.push(`  ${name}: ${type}${doc ? `  ${page.faint(doc.summary)}` : ""}`);
  return `${lines.join("\n")}\n`;
}

function shortSignature({ name, parameters, kind }: MethodDescription): string {
  const shown = parameters.map((parameter) => {
    if (parameter.rest) return `...${parameter.name}`;
    if (parameter.default !== undefined) {
      const value = parameter.default.length > 20 ? "…" : parameter.default;
      return `${parameter.name} = ${value}`;
    }
    return parameter.optional ? `${parameter.name}?` : parameter.name;
  });
  return `${name}(${shown.join(", ")})${kind === "stream" ? " →" : ""}`;
}

function row(
  { doc }: MethodDescription,
  { head, column, page }: { head: string; column: number; page: Page },
): string[] {
  const mark = doc?.deprecated === undefined ? "" : "(deprecated) ";
  const text = wrap(mark + (doc?.summary ?? ""), page.width - column - 4);
  const first = `  ${page.strong(head)}`;
  const under = text.map((line) => `${" ".repeat(column + 4)}${page.faint(line)}`);
  if (head.length > column) return [first, ...under];
  const [start = ""] = text;
  return [
    `${first}${" ".repeat(column - head.length + 2)}${page.faint(start)}`.trimEnd(),
    ...under.slice(1),
  ];
}

function detail(description: Description, method: MethodDescription, page: Page): string {
  const { doc, parameters, returns } = method;
  const kind = method.kind === "stream" ? `  ${page.faint("stream")}` : "";
  const sections: string[][] = [
    [
      page.strong(signatureText(method)) + kind,
      ...method.overloads.map((text) => method.name + text),
    ],
    doc?.deprecated === undefined ? [] : wrap(`Deprecated. ${doc.deprecated}`.trim(), page.width),
    doc ? wrap(words(doc), page.width) : ["Its author says nothing about it."],
    section("Parameters", parameters.length > 0 ? parameterRows(method, page) : [], page),
    section("Returns", [returns.item + (returns.doc ? `: ${returns.doc}` : "")], page),
    section("Throws", doc?.throws ?? [], page),
    section(
      "Example",
      (doc?.examples ?? []).flatMap((text) => text.split("\n")),
      page,
    ),
    section(
      "Types",
      usedTypes(description, method).flatMap(([, text]) => text.split("\n")),
      page,
    ),
    section("Source", [sourceText(method)], page),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function section(title: string, lines: string[], page: Page): string[] {
  return lines.length === 0
    ? []
    : [page.title(title), ...lines.map((line) => `  ${line}`.trimEnd())];
}

function parameterRows({ parameters }: MethodDescription, page: Page): string[] {
  const nameWidth = Math.max(...parameters.map(({ name }) => name.length));
  return parameters.flatMap((parameter) => {
    const { default: value, optional, rest } = parameter;
    const more =
      value !== undefined ? ` = ${value}` : rest ? " (any number)" : optional ? " (optional)" : "";
    const head = `${page.strong(parameter.name.padEnd(nameWidth))}  ${parameter.type}${more}`;
    const indent = " ".repeat(nameWidth + 2);
    const text = wrap(parameter.doc, page.width - indent.length - 2);
    return [head, ...text.map((line) => indent + page.faint(line))];
  });
}

function sourceText({ source }: MethodDescription): string {
  if (source.file) return `${source.file}:${source.line ?? 1}`;
  return source.kind === "none" ? "native code" : "gone; read from the function itself";
}

function words({ summary, description }: { summary: string; description: string }): string {
  return [summary, description].filter(Boolean).join("\n\n");
}

/** Wraps paragraphs; lines that are indented, listed or fenced stay as they are. */
function wrap(text: string, width: number): string[] {
  if (text === "") return [];
  return text.split("\n").flatMap((line) => {
    const lines: string[] = [];
    let current = "";
    for (const word of /^\s|^[-*`|>#]/.test(line) ? [line] : line.split(" ")) {
      if (current !== "" && current.length + 1 + word.length > width) {
        lines.push(current);
        current = word;
      } else {
        current = current === "" ? word : `${current} ${word}`;
      }
    }
    return [...lines, current];
  });
}

function sanitized(description: Description): Description {
  const clean = (text: string) =>
    // oxlint-disable-next-line no-control-regex -- these are what must not reach a terminal
    stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
  const text = JSON.stringify(description, (_, value) =>
    typeof value === "string" ? clean(value) : value,
  );
  return JSON.parse(text) as Description;
}
