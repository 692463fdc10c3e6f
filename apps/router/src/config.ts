import { BaseConfig } from "@zeroplane/runtime";
import { z } from "zod";

/** Environment of a router. */
export const Config = BaseConfig.extend({
  /** Folder of the last known table, of this router alone. */
  ZP_DATA: z.string(),
  ZP_DEPLOY_API: z.string(),
  /** Where requests come in; port 0 is any free one. */
  ZP_HTTP_HOST: z.string().default("127.0.0.1"),
  ZP_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
});

export type Config = z.infer<typeof Config>;
