// The first page of the console: apps, deploys, one app's lines. No framework, no build.

import { $, ask, element } from "./dom.js";

const REFRESH_MS = 2_000;
const LINES_MAX = 2_000;

const seconds = (ms) =>
  ms === undefined ? "" : ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
const state = (text) => element("span", { class: `state ${text}` }, text);
const cell = (child, attributes) => element("td", attributes, child);

function fill(body, rows, none, columns) {
  if (rows.length === 0)
    rows = [element("tr", {}, element("td", { colspan: columns, class: "quiet" }, none))];
  body.replaceChildren(...rows);
}

function appRow(app) {
  const follow = element(
    "button",
    { class: "link", onclick: () => followLogs(app.name) },
    app.name,
  );
  const instances = element("span", {}, ...app.instances.map(({ state: each }) => state(each)));
  const address = app.url
    ? element("a", { href: app.url, target: "_blank", rel: "noopener" }, app.url)
    : "";
  return element("tr", {}, cell(follow), cell(app.release), cell(instances), cell(address));
}

function deployRow(deploy) {
  const total = deploy.finishedAtMs && deploy.finishedAtMs - deploy.createdAtMs;
  const show = deploy.traceId
    ? element("a", { href: `traces/${deploy.traceId}` }, deploy.id)
    : deploy.id;
  const how = element("span", { title: deploy.failure?.message ?? "" }, state(deploy.state));
  return element(
    "tr",
    {},
    cell(show),
    cell(`${deploy.app} ${deploy.release ?? ""}`),
    cell(how),
    cell(seconds(deploy.build?.buildMs), { class: "number" }),
    cell(seconds(total || undefined), { class: "number" }),
    cell(new Date(deploy.createdAtMs).toLocaleTimeString(), { class: "number" }),
  );
}

let lines;

function followLogs(app) {
  lines?.close();
  $("logs").replaceChildren();
  $("logs-about").textContent = `Lines of ${app}, as they come.`;
  lines = new EventSource(`api/logs/${encodeURIComponent(app)}`);
  lines.onmessage = ({ data }) => {
    const { topic, stream, text, atMs } = JSON.parse(data);
    const from = `${new Date(atMs).toLocaleTimeString()} ${topic.split(".").slice(2).join(".")}  `;
    const view = $("logs");
    const atEnd = view.scrollTop + view.clientHeight > view.scrollHeight - 40;
    view.append(
      element(
        "div",
        { class: stream === "err" ? "err" : "" },
        element("span", { class: "from" }, from),
        text,
      ),
    );
    while (view.childElementCount > LINES_MAX) view.firstElementChild.remove();
    if (atEnd) view.scrollTop = view.scrollHeight;
  };
}

async function refresh() {
  try {
    const [status, apps, deploys] = await Promise.all([ask("status"), ask("apps"), ask("deploys")]);
    const { routers, runners, builders, builds } = status;
    $("status").textContent =
      `${routers.length} routers · ${runners.length} runners · ${builders.length} builders · ${builds.leased} building, ${builds.ready} waiting`;
    fill($("apps"), apps.map(appRow), "No app yet: zp deploy", 4);
    fill($("deploys"), deploys.map(deployRow), "No deploy yet", 6);
  } catch (error) {
    $("status").textContent = `not reachable: ${error.message}`;
  }
  setTimeout(() => void refresh(), REFRESH_MS);
}

void refresh();
