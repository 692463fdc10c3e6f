// What the pages of the console have in common.

export const $ = (id) => document.getElementById(id);

/** An element with attributes and children; text is always text, never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.map((child) => child ?? ""));
  return made;
}

export async function ask(path) {
  const response = await fetch(`api/${path}`);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}
