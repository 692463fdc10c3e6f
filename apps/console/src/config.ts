import { BaseConfig } from "@zeroplane/runtime";
import { z } from "zod";

/** Environment of the console. */
export const Config = BaseConfig.extend({
  ZP_DEPLOY_API: z.string(),
  /** Where the log hub and the trace collector answer queries. */
  ZP_LOG_QUERIES: z.string(),
  ZP_TRACE_QUERIES: z.string(),
  /** Where the trace collector answers the trace pages; without it they have nothing to show. */
  ZP_TRACE_HTTP: z.url().optional(),
  /** Where the page is served; port 0 is any free one. */
  ZP_HTTP_HOST: z.string().default("127.0.0.1"),
  /** Whether methods can be called from the services page: by default when only this machine sees it. */
  ZP_HTTP_CALLS: z.enum(["on", "off"]).optional(),
  ZP_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
});

export type Config = z.infer<typeof Config>;
