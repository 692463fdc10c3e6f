import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type JsonPart, JsonText } from "../ingest/json-text.ts";
import type { Attributes, DecodedSpan } from "../span.ts";

/** What a span has beyond its row. */
export interface SpanDetail {
  readonly attributes: Attributes;
  readonly links: DecodedSpan["links"];
  readonly events: NonNullable<DecodedSpan["events"]>;
  readonly statusMessage: string;
  readonly traceState: string;
  readonly resource: Attributes;
}

interface Line {
  /** Index among the resources. */
  readonly r: number;
  readonly a: Attributes;
  readonly l?: SpanDetail["links"];
  readonly e?: SpanDetail["events"];
  readonly m?: string;
  readonly s?: string;
}

/** Longest line of a span, bytes; what is beyond is cut. */
export const DETAIL_MAX = 64 * 1024;
const TEXT_MAX = 8 * 1024;
const LIST_MAX = 128;
const QUICKLY = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** What a batch of spans has beyond its rows: a line of resources, then a line for each span. */
export class AttributeChunk {
  readonly #lines = new JsonText();
  readonly #shared = new JsonText();
  readonly #resources = new Map<Attributes, number>();
  readonly #written = new Map<Attributes, JsonPart>();
  #slots = 0;
  /** Spans of which something was cut. */
  cut = 0;

  /** @returns the slot */
  add(span: DecodedSpan): number {
    const start = this.#lines.length;
    const resource = this.#resourceOf(span.resource ?? NONE);
    this.#line(span, resource, span.attributesJson ?? this.#jsonOf(span.attributes));
    if (this.#lines.length - start > DETAIL_MAX) {
      this.cut++;
      this.#lines.length = start;
      const small = shortened(span);
      this.#line(small, resource, this.#jsonOf(small.attributes));
    }
    return this.#slots++;
  }

  pack(): Uint8Array {
    const head = JSON.stringify([...this.#resources.keys()].map(shortenedAttributes));
    return zstdCompressSync(Buffer.concat([Buffer.from(head), this.#lines.slice()]), QUICKLY);
  }

  /** Begins again, with nothing in it. */
  clear(): void {
    this.#lines.clear();
    this.#shared.clear();
    this.#resources.clear();
    this.#written.clear();
    this.#slots = 0;
    this.cut = 0;
  }

  #line(span: DecodedSpan, resource: number, attributes: JsonPart): void {
    const lines = this.#lines;
    lines.json('\n{"r":');
    lines.number(resource);
    lines.json(',"a":');
    lines.copy(attributes);
    if (span.links.length > 0) lines.json(`,"l":${JSON.stringify(span.links)}`);
    if (span.events !== undefined && span.events.length > 0)
      lines.json(`,"e":${JSON.stringify(span.events)}`);
    if (span.statusMessage) lines.json(`,"m":${JSON.stringify(span.statusMessage)}`);
    if (span.traceState) lines.json(`,"s":${JSON.stringify(span.traceState)}`);
    lines.json("}");
  }

  #resourceOf(resource: Attributes): number {
    const known = this.#resources.get(resource);
    if (known !== undefined) return known;
    this.#resources.set(resource, this.#resources.size);
    return this.#resources.size - 1;
  }

  /** Calls share their attributes, which are written down once. */
  #jsonOf(attributes: Attributes): JsonPart {
    const known = this.#written.get(attributes);
    if (known !== undefined) return known;
    const from = this.#shared.length;
    this.#shared.json(JSON.stringify(attributes));
    const part = { of: this.#shared, from, to: this.#shared.length };
    this.#written.set(attributes, part);
    return part;
  }
}

const NONE: Attributes = {};

/** Reads what {@link AttributeChunk.pack} has made. */
export class ReadChunk {
  readonly #bytes: Buffer;
  #text: string | undefined;
  #lines: string[] | undefined;
  #resources: Attributes[] | undefined;

  constructor(data: Uint8Array) {
    this.#bytes = zstdDecompressSync(data);
  }

  /** All of it. */
  get text(): string {
    this.#text ??= this.#bytes.toString();
    return this.#text;
  }

  /** True when it has that text anywhere: found in its bytes, without making a string of them. */
  includes(text: string): boolean {
    return this.#bytes.includes(text);
  }

  /** Lines by slot, unparsed. */
  get lines(): readonly string[] {
    return this.#all.slice(1);
  }

  /** The processes of its spans. */
  get resources(): readonly Attributes[] {
    this.#resources ??= JSON.parse(this.#all[0] ?? "[]") as Attributes[];
    return this.#resources;
  }

  get #all(): string[] {
    this.#lines ??= this.text.split("\n");
    return this.#lines;
  }

  /** What a span has beyond its row, unparsed. */
  line(slot: number): string {
    return this.#all[slot + 1] ?? '{"r":0,"a":{}}';
  }

  /** Place of a line's process among {@link resources}, without parsing the line. */
  resourceAt(line: string): number {
    return Number.parseInt(line.slice(RESOURCE_AT, RESOURCE_AT + 10), 10) || 0;
  }

  detail(slot: number): SpanDetail {
    const line = JSON.parse(this.line(slot)) as Line;
    return {
      attributes: line.a,
      links: line.l ?? [],
      events: line.e ?? [],
      statusMessage: line.m ?? "",
      traceState: line.s ?? "",
      resource: this.resources[line.r] ?? {},
    };
  }
}

const RESOURCE_AT = '{"r":'.length;

/** The span with what fits of its attributes, events and links; `zp.cut` says that something went. */
function shortened(span: DecodedSpan): DecodedSpan {
  return {
    ...span,
    attributes: { ...shortenedAttributes(span.attributes), "zp.cut": true },
    links: span.links.slice(0, LIST_MAX).map(({ traceId, spanId }) => ({ traceId, spanId })),
    events: (span.events ?? []).slice(0, 2).map((event) => ({
      name: event.name.slice(0, TEXT_MAX),
      atNs: event.atNs,
      attributes: shortenedAttributes(event.attributes),
    })),
    statusMessage: span.statusMessage.slice(0, TEXT_MAX),
    traceState: (span.traceState ?? "").slice(0, 512),
  };
}

function shortenedAttributes(attributes: Attributes): Attributes {
  const kept: Attributes = {};
  let room = DETAIL_MAX / 4;
  for (const [key, value] of Object.entries(attributes)) {
    const short = typeof value === "string" ? value.slice(0, TEXT_MAX) : value;
    room -= key.length + (JSON.stringify(short) ?? "").length;
    if (room < 0) break;
    kept[key] = short;
  }
  return kept;
}
