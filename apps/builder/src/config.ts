import { BaseConfig } from "@zeroplane/runtime";
import { z } from "zod";

/** Environment of a builder. */
export const Config = BaseConfig.extend({
  /** Folder of work and caches, of this builder alone. */
  ZP_DATA: z.string(),
  ZP_DEPLOY_API: z.string(),
  /** Builds at a time. */
  ZP_BUILDS: z.coerce.number().int().min(1).max(64).default(1),
});

export type Config = z.infer<typeof Config>;
