/**
 * A value as JSON. What JSON has no form for gets one: big integers become text, bytes base64.
 * @param indent blanks by level; 0 gives one line
 */
export function toJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, replace, indent) ?? "null";
}

function replace(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  // Buffers have turned themselves into an object before they come here.
  const raw = (this as Readonly<Record<string, unknown>>)[key];
  if (raw instanceof Uint8Array) return Buffer.from(raw).toString("base64");
  return value;
}
