// What the services say of themselves, and calls of them by hand.

import { $, ask, element } from "./dom.js";

let hasCalls = false;
/** Every method of every process, by `process/method`. */
const known = new Map();

const signature = ({ name, parameters, returns }) =>
  `${name}(${parameters.map(parameterText).join(", ")}): ${returns.type}`;

function parameterText({ name, type, optional, rest, default: preset }) {
  if (preset !== undefined) return `${name} = ${preset}`;
  return `${rest ? "..." : ""}${name}${optional ? "?" : ""}: ${type}`;
}

const paragraphs = (text) => element("div", { class: "words" }, text);
const titled = (title, ...content) =>
  content.length === 0 ? [] : [element("h3", {}, title), ...content];

function parameterTable(parameters) {
  const rows = parameters.map((each) =>
    element(
      "tr",
      {},
      element("td", {}, element("code", {}, each.name)),
      element("td", {}, element("code", {}, each.type)),
      element("td", {}, each.default === undefined ? "" : element("code", {}, each.default)),
      element("td", {}, each.doc),
    ),
  );
  const head = ["Parameter", "Type", "Default", ""].map((text) => element("th", {}, text));
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    ),
  );
}

/** The types that `text` names, with those that they name themselves. */
function typesIn(text, types, found = new Map()) {
  for (const [name, declaration] of Object.entries(types)) {
    if (found.has(name) || !new RegExp(`\\b${name}\\b`).test(text)) continue;
    found.set(name, declaration);
    typesIn(declaration, types, found);
  }
  return found;
}

function field(parameter) {
  const { name, type, optional, rest, default: preset } = parameter;
  const hint = preset ?? (rest ? "one or more, as a JSON array" : optional ? "may be empty" : "");
  const input = element("input", { name, placeholder: hint, autocomplete: "off" });
  input.spellcheck = false;
  return element("label", {}, element("span", {}, `${name}: ${type}`), input);
}

/** The words of a form, without the empty ones at its end. */
function wordsOf(form, parameters) {
  const words = parameters.flatMap(({ name, rest }) => {
    const text = form.elements.namedItem(name).value;
    if (!rest || text === "") return [text];
    const values = JSON.parse(text);
    return values.map((each) => (typeof each === "string" ? each : JSON.stringify(each)));
  });
  while (words.length > 0 && words.at(-1) === "") words.pop();
  return words;
}

const shown = (value) => (value === undefined ? "nothing" : JSON.stringify(value, undefined, 2));

async function call(wish) {
  const response = await fetch("api/call", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wish),
  });
  const body = await response.json();
  if (!response.ok) throw new Error([body.code, body.error].filter(Boolean).join(": "));
  return body;
}

function outcomeText({ ms, items, isWhole, value }) {
  const time = `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (items === undefined) return [`answered after ${time}`, shown(value)];
  const rest = isWhole ? "the whole stream" : "the stream goes on, and was cancelled";
  return [`${items.length} items in ${time}: ${rest}`, items.map(shown).join("\n")];
}

function callForm({ process, method }) {
  const about = element("p", { class: "quiet", role: "status" });
  const result = element("pre", { tabindex: "0" });
  result.hidden = true;
  const button = element("button", {}, method.kind === "stream" ? "Read" : "Call");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    about.textContent = "waiting for the answer…";
    try {
      const words = wordsOf(form, method.parameters);
      const [text, value] = outcomeText(await call({ process, method: method.name, words }));
      about.textContent = text;
      about.className = "quiet";
      result.textContent = value;
      result.hidden = false;
    } catch (error) {
      about.textContent = error.message;
      about.className = "bad";
      result.hidden = true;
    }
    button.disabled = false;
  };
  const form = element("form", { onsubmit: submit }, ...method.parameters.map(field), button);
  return [form, about, result];
}

function methodPage(entry) {
  const { method, types } = entry;
  const { doc, parameters, returns, overloads, source } = method;
  const text = [signature(method), ...overloads].join("\n");
  const named = [...typesIn(text, types).values()];
  const where = source.file === undefined ? "" : `${source.file}:${source.line ?? ""}`;
  const gives = [returns.doc, returns.item].filter(Boolean).join(" — ");
  return [
    element("h2", {}, `${entry.process} · ${method.name}`),
    element("pre", { class: "signature" }, text),
    ...(doc?.deprecated === undefined
      ? []
      : [element("p", { class: "bad" }, `Deprecated. ${doc.deprecated}`)]),
    paragraphs([doc?.summary, doc?.description].filter(Boolean).join("\n\n") || "It says nothing."),
    ...(parameters.length === 0 ? [] : titled("Parameters", parameterTable(parameters))),
    ...titled("Gives", element("p", {}, gives)),
    ...titled("Throws", ...(doc?.throws ?? []).map(paragraphs)),
    ...titled("Examples", ...(doc?.examples ?? []).map((each) => element("pre", {}, each))),
    ...titled("Try it", ...(hasCalls ? callForm(entry) : [element("p", { class: "quiet" }, OFF)])),
    ...titled("Types", ...named.map((each) => element("pre", {}, each))),
    element("p", { class: "quiet" }, where),
  ];
}

const OFF = "Calls from this page are off: set ZP_HTTP_CALLS=on for the console, or use zp call.";

function show() {
  const key = decodeURIComponent(location.hash.slice(1));
  for (const link of $("methods").querySelectorAll("a")) {
    if (link.dataset.key === key) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const entry = known.get(key);
  if (entry === undefined) return;
  $("method").replaceChildren(...methodPage(entry));
  document.title = `${entry.method.name} · zeroplane`;
}

function methodLink(process, { name, doc }) {
  const key = `${process}/${name}`;
  const attributes = { href: `#${encodeURIComponent(key)}`, "data-key": key, title: doc?.summary };
  const find = `${key} ${doc?.summary ?? ""}`.toLowerCase();
  return element("li", { "data-find": find }, element("a", attributes, name));
}

function processList({ process, description, error }) {
  if (description === undefined) {
    return [element("h2", {}, process), element("p", { class: "bad" }, error)];
  }
  const methods = Object.values(description.methods);
  for (const method of methods) {
    known.set(`${process}/${method.name}`, { process, method, types: description.types });
  }
  const links = methods.map((method) => methodLink(process, method));
  return [element("h2", {}, process), element("ul", {}, ...links)];
}

function find() {
  const words = $("find").value.toLowerCase().split(/\s+/);
  for (const row of $("methods").querySelectorAll("[data-find]")) {
    row.hidden = !words.every((word) => row.dataset.find.includes(word));
  }
}

addEventListener("hashchange", show);
$("find").addEventListener("input", find);
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input")) return;
  event.preventDefault();
  $("find").focus();
});

try {
  const { services, hasCalls: allowed } = await ask("services");
  hasCalls = allowed;
  $("methods").replaceChildren(...services.flatMap(processList));
  $("status").textContent = `${known.size} methods of ${services.length} processes`;
  show();
} catch (error) {
  $("status").textContent = `not reachable: ${error.message}`;
}
