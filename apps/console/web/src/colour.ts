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

/** Colours of the hues as CSS has them now; asked for together, since each time costs a look at the whole page. */
let known: readonly string[] | undefined;

/** The colour of {@link hueOf} as CSS, for a canvas. */
export function colourOf(service: string): string {
  known ??= colours();
  return known[numberOf(service)] ?? "";
}

function colours(): string[] {
  const probe = document.createElement("div");
  for (let hue = 0; hue < HUES; hue++) {
    const each = document.createElement("i");
    each.className = `hue-${hue}`;
    probe.append(each);
  }
  document.body.append(probe);
  const found = Array.from(probe.children, (each) => getComputedStyle(each).backgroundColor);
  probe.remove();
  return found;
}

const numberOf = (service: string): number => Number(hueOf(service).slice("hue-".length));

/** The colours of services as pixels of a canvas. */
export function pixelsOf(services: readonly string[]): Uint32Array {
  const context = new OffscreenCanvas(services.length, 1).getContext("2d");
  if (context === null) return new Uint32Array(services.length);
  for (const [x, service] of services.entries()) {
    context.fillStyle = colourOf(service);
    context.fillRect(x, 0, 1, 1);
  }
  return new Uint32Array(context.getImageData(0, 0, services.length, 1).data.buffer);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (known = undefined));
