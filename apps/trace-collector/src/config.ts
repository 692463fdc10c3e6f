import { BaseConfig } from "@zeroplane/runtime";
import { z } from "zod";

const DAY_MS = 24 * 3_600_000;

/** @throws Error that names the part that is no header */
function headersOf(text: string): Record<string, string> {
  const headers = new Headers();
  for (const part of text.split(",").filter((each) => each.trim() !== "")) {
    const [, name = "", value = ""] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    if (name === "") throw new Error("headers are name=value, with commas between");
    headers.set(name, decodeURIComponent(value));
  }
  return Object.fromEntries(headers);
}

/** Environment of the trace collector. */
export const Config = BaseConfig.extend({
  /** Folder of the store. */
  ZP_DATA: z.string(),
  /** Where every process sends its spans to. */
  ZP_PIPE: z.string().default("tcp://127.0.0.1:*"),
  /** How long spans are kept. */
  ZP_RETENTION_MS: z.coerce
    .number()
    .int()
    .min(60_000)
    .default(7 * DAY_MS),
  /** What the store may take; the oldest spans go first. */
  ZP_RETENTION_BYTES: z.coerce
    .number()
    .int()
    .min(1_000_000)
    .default(2 * 1024 * 1024 * 1024),
  /** Where OTLP/HTTP is taken and queries are answered; without a port neither is. */
  ZP_HTTP_HOST: z.string().default("127.0.0.1"),
  ZP_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  /** Where everything is sent on to as OTLP/HTTP: a URL to which `/v1/traces` and `/v1/logs` are added. */
  ZP_TEE: z.url({ protocol: /^https?$/ }).optional(),
  /** Headers for that, `name=value` with commas between, values percent-encoded. */
  ZP_TEE_HEADERS: z
    .string()
    .default("")
    .transform((text, context) => {
      try {
        return headersOf(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: (error as Error).message });
        return z.NEVER;
      }
    }),
  /** Folder of the built trace pages, to serve them there too. */
  ZP_PAGES: z.string().optional(),
});

export type Config = z.infer<typeof Config>;
