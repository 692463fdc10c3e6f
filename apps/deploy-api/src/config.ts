import { BaseConfig } from "@zeroplane/runtime";
import { z } from "zod";

/** Environment of the deploy API. */
export const Config = BaseConfig.extend({
  /** Folder of the database, the queue and the blobs. */
  ZP_DATA: z.string(),
  /** Apps answer at `<app>.<domain>`. */
  ZP_DOMAIN: z.string().default("localhost"),
  /** Where users reach a router, when that is not where the platform does. */
  ZP_PUBLIC_URL: z.url().optional(),
  /** Where the trace collector answers queries. */
  ZP_TRACE_QUERIES: z.string().optional(),
});

export type Config = z.infer<typeof Config>;
