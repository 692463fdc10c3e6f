import { run } from "@zeroplane/runtime";
import { Config } from "./config.ts";
import { wire } from "./wiring.ts";

await run("console", Config, async (life) => {
  await life.serve({ console: await wire(life) });
});
