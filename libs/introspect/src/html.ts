import {
  type Description,
  type Doc,
  type MethodDescription,
  type Source,
  signatureText,
} from "./description.ts";
import { escaped, htmlPage } from "./html-page.ts";

/** How pages are made. */
export interface HtmlOptions {
  /** The address of a place in a source; without one, places are text. */
  sourceUrl?: (source: Source) => string | undefined;
}

/**
 * A documentation site of some services: `index.html` and a page for each, by file name. Pages are
 * whole: style and search are in them, and nothing is loaded from elsewhere. All words are escaped.
 *
 * @param descriptions of the services; two of one name get files of different names
 */
export function toHtml(
  descriptions: readonly Description[],
  options: HtmlOptions = {},
): Map<string, string> {
  const pages = new Map<string, string>();
  const listed = descriptions.map((description) => {
    const file = freeFile(description.name, pages);
    pages.set(file, servicePage(description, options));
    return { description, file };
  });
  const index = listed.map(({ description, file }) => indexEntry(description, file)).join("\n");
  pages.set("index.html", htmlPage("Services", `<h1>Services</h1>\n${index}`));
  return pages;
}

function freeFile(name: string, pages: ReadonlyMap<string, string>): string {
  const bare =
    name
      .replace(/[^\w-]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .toLowerCase() || "service";
  let file = bare === "index" ? "index-1.html" : `${bare}.html`;
  for (let count = 2; pages.has(file); count += 1) file = `${bare}-${count}.html`;
  return file;
}

function indexEntry({ name, doc, methods }: Description, file: string): string {
  const items = Object.values(methods).map((method) => {
    const find = escaped(`${name} ${method.name} ${method.doc?.summary ?? ""}`.toLowerCase());
    const summary = method.doc ? ` <span class="faint">${escaped(method.doc.summary)}</span>` : "";
    return `<li data-find="${find}"><a href="${file}#${anchor(method.name)}"><code>${escaped(method.name)}</code></a>${summary}</li>`;
  });
  return `<section><h2><a href="${file}">${escaped(name)}</a></h2>${words(doc)}<ul>${items.join("\n")}</ul></section>`;
}

function servicePage(description: Description, options: HtmlOptions): string {
  const { name, doc, methods, types } = description;
  const declared = Object.entries(types).map(
    ([type, text]) =>
      `<section id="type-${anchor(type)}"><h2>${escaped(type)}</h2><pre>${linked(text, types)}</pre></section>`,
  );
  const body = [
    `<h1>${escaped(name)}</h1>`,
    words(doc),
    ...Object.values(methods).map((method) => methodSection(method, description, options)),
    declared.length > 0 ? "<h1>Types</h1>" : "",
    ...declared,
  ];
  return htmlPage(name, body.filter(Boolean).join("\n"));
}

function methodSection(
  method: MethodDescription,
  { types }: Description,
  options: HtmlOptions,
): string {
  const { doc, returns, name } = method;
  const find = escaped(`${name} ${doc?.summary ?? ""}`.toLowerCase());
  const signatures = [signatureText(method), ...method.overloads.map((text) => name + text)];
  const gives = method.kind === "stream" ? "a stream of " : "";
  const parts = [
    `<section id="${anchor(name)}" data-find="${find}"><h2><a href="#${anchor(name)}">${escaped(name)}</a></h2>`,
    `<pre>${signatures.map((text) => linked(text, types)).join("\n")}</pre>`,
    doc?.deprecated === undefined
      ? ""
      : `<p><strong>Deprecated.</strong> ${escaped(doc.deprecated)}</p>`,
    words(doc),
    parameterTable(method, types),
    `<h3>Gives</h3><p>${gives}<code>${linked(returns.item, types)}</code> ${escaped(returns.doc)}</p>`,
    list("Throws", doc?.throws ?? []),
    ...(doc?.examples ?? []).map((text) => `<h3>Example</h3><pre>${escaped(unfenced(text))}</pre>`),
    place(method.source, options),
    "</section>",
  ];
  return parts.filter(Boolean).join("\n");
}

function parameterTable({ parameters }: MethodDescription, types: Description["types"]): string {
  if (parameters.length === 0) return "";
  const rows = parameters.map(({ name, type, optional, rest, default: value, doc }) => {
    const mark = optional && !rest && value === undefined ? "?" : "";
    const given = value === undefined ? "" : `<code>${escaped(value)}</code>`;
    return `<tr><td><code>${rest ? "..." : ""}${escaped(name)}${mark}</code></td><td><code>${linked(type, types)}</code></td><td>${given}</td><td>${escaped(doc)}</td></tr>`;
  });
  const head = ["Parameter", "Type", "Default", "What it is"];
  const titles = head.map((title) => `<th scope="col">${title}</th>`).join("");
  return `<div class="wide"><table><thead><tr>${titles}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`;
}

function words(doc: Doc | null): string {
  const said = doc ? [doc.summary, doc.description].filter(Boolean) : [];
  return said.map((text) => `<p class="words">${escaped(text)}</p>`).join("\n");
}

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return "";
  const shown = items.map((item) => `<li>${escaped(item)}</li>`).join("");
  return `<h3>${title}</h3><ul>${shown}</ul>`;
}

/** Where it is written; only addresses of the web become links. */
function place(source: Source, { sourceUrl }: HtmlOptions): string {
  if (source.file === undefined) return "";
  const text = escaped(`${source.file}:${source.line ?? 1}`);
  const url = sourceUrl?.(source);
  const isWeb = url !== undefined && /^https?:/.test(url);
  return `<small>${isWeb ? `<a href="${escaped(url)}">${text}</a>` : text}</small>`;
}

/** A type in which the names that stand on the page lead there. */
function linked(text: string, types: Description["types"]): string {
  return text
    .split(/([A-Za-z_$][\w$]*)/)
    .map((part, at) =>
      at % 2 === 1 && Object.hasOwn(types, part)
        ? `<a href="#type-${anchor(part)}">${escaped(part)}</a>`
        : escaped(part),
    )
    .join("");
}

const anchor = (name: string): string => encodeURIComponent(name);

function unfenced(text: string): string {
  return text.replace(/^```.*\n?/gm, "").trim();
}
