import { BaseConfig } from "@zeroplane/runtime";
import { z } from "zod";

/** Environment of a runner. */
export const Config = BaseConfig.extend({
  /** Folder of releases and homes, of this runner alone. */
  ZP_DATA: z.string(),
  ZP_DEPLOY_API: z.string(),
  /** Address the instances listen at, as their environment variable HOST. */
  ZP_INSTANCE_HOST: z.string().default("127.0.0.1"),
});

export type Config = z.infer<typeof Config>;
