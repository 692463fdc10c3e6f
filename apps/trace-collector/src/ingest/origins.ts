import type { Attributes } from "../span.ts";
import { writeAttributes } from "./any-value.ts";
import { JsonText } from "./json-text.ts";
import type { ProtobufReader } from "./protobuf.ts";

const KNOWN_MAX = 256;
const BYTES_MAX = 8_192;

/** Who says so. */
export interface Origin {
  readonly service: string;
  readonly node: string;
  readonly resource: Attributes;
}

/** Who says so, by the attributes of a resource. */
export function originOf(resource: Attributes): Origin {
  const service = textOf(resource["service.name"]) ?? "unknown";
  const node = textOf(resource["service.instance.id"]) ?? service;
  return { service, node, resource };
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

/** Who says so, by the bytes of a resource: a process says the same with every message. */
export class Origins {
  readonly #known = new Map<string, Origin>();

  /** Of the `Resource` that is read. @throws TraceError ERR_OTLP when it is none */
  of(from: ProtobufReader): Origin {
    const key =
      from.end - from.at <= BYTES_MAX
        ? from.bytes.toString("latin1", from.at, from.end)
        : undefined;
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known !== undefined) return known;
    const json = new JsonText();
    writeAttributes(from, 1, json);
    const origin = originOf(json.parsed() as Attributes);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    if (key !== undefined) this.#known.set(key, origin);
    return origin;
  }
}
