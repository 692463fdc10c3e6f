import { run } from "@zeroplane/runtime";
import { Config } from "./config.ts";
import { wire } from "./wiring.ts";

await run("log-hub", Config, async (life) => {
  await life.serve({ ...(await wire(life)) });
});
