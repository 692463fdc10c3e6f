const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dbe2, #33373f); --faint: light-dark(#5b6270, #a2a9b6);
  --back: light-dark(#fff, #14161a); --panel: light-dark(#f5f6f8, #1c1f25); --link: light-dark(#0b57d0, #8ab4f8); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); font: 16px/1.55 system-ui, sans-serif; }
main, header { max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; }
header a { font-weight: 600; }
input { flex: 1 1 14rem; font: inherit; padding: .35rem .6rem; border: 1px solid var(--line);
  border-radius: .4rem; background: var(--panel); color: inherit; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
section { border-top: 1px solid var(--line); padding: .6rem 0 1rem; scroll-margin-top: 1rem; }
h1 { margin: .4rem 0; overflow-wrap: anywhere; }
h2 { font: 600 1.05rem ui-monospace, monospace; margin: .6rem 0; overflow-wrap: anywhere; }
h3 { font-size: .85rem; margin: .9rem 0 .3rem; color: var(--faint); }
pre, code { font: .88rem/1.5 ui-monospace, monospace; }
pre { background: var(--panel); padding: .6rem .8rem; border-radius: .4rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-top: 1px solid var(--line); }
.faint, small { color: var(--faint); } .words { white-space: pre-line; }
[hidden] { display: none; }`;

/** Hides what the search box does not ask for; \`/\` leads to it. */
const SCRIPT = `
const box = document.querySelector("input"), count = document.querySelector("output");
const rows = [...document.querySelectorAll("[data-find]")];
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\\s+/);
  for (const row of rows) row.hidden = !words.every((word) => row.dataset.find.includes(word));
  count.textContent = rows.filter((row) => !row.hidden).length + " of " + rows.length;
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target === box) return;
  event.preventDefault();
  box.focus();
});`;

/** Text in which HTML means nothing. */
export function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A whole page; it needs nothing from anywhere. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><a href="index.html">Services</a>
<input type="search" aria-label="Find a method" placeholder="Find a method ( / )"><output class="faint" aria-live="polite"></output></header>
<main>
${body}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
