import { run } from "@zeroplane/runtime";
import { Config } from "./config.ts";
import { wire } from "./wiring.ts";

await run("trace-collector", Config, async (life) => {
  await life.serve({ ...(await wire(life)) });
});
