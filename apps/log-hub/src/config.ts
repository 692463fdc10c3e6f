import { BaseConfig } from "@zeroplane/runtime";
import { z } from "zod";

/** Environment of the log hub. */
export const Config = BaseConfig.extend({
  /** Folder of the store. */
  ZP_DATA: z.string(),
  /** Where every process sends its lines to: the fan-in. */
  ZP_LANE: z.string().default("tcp://127.0.0.1:*"),
  /** Where consoles get them from: the fan-out. */
  ZP_TAIL: z.string().default("tcp://127.0.0.1:*"),
  /** What the store may take; the oldest lines go first. */
  ZP_RETENTION_BYTES: z.coerce
    .number()
    .int()
    .min(1_000_000)
    .default(1024 * 1024 * 1024),
});

export type Config = z.infer<typeof Config>;
