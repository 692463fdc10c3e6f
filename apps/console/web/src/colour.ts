const HUES = 12;

const taken: (string | undefined)[] = [];
const hues = new Map<string, string>();

/** The class that gives a service its colour: by its name, and by the next free one while any is. */
export function hueOf(service: string): string {
  const known = hues.get(service) ?? chosen(service);
  hues.set(service, known);
  return known;
}

function chosen(service: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < service.length; i++)
    hash = Math.imul(hash ^ service.charCodeAt(i), 0x01000193);
  const first = (hash >>> 0) % HUES;
  for (let i = 0; i < HUES; i++) {
    const hue = (first + i) % HUES;
    taken[hue] ??= service;
    if (taken[hue] === service) return `hue-${hue}`;
  }
  return `hue-${first}`;
}

const known = new Map<string, string>();

/** The colour of {@link hueOf} as CSS, for a canvas. */
export function colourOf(service: string): string {
  const name = hueOf(service);
  const found = known.get(name);
  if (found !== undefined) return found;
  const probe = document.createElement("i");
  probe.className = name;
  document.body.append(probe);
  const colour = getComputedStyle(probe).backgroundColor;
  probe.remove();
  known.set(name, colour);
  return colour;
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => known.clear());
