import { run } from "@zeroplane/runtime";
import { Config } from "./config.ts";
import { wire } from "./wiring.ts";

await run("builder", Config, async (life) => {
  await life.serve({ builder: wire(life) });
});
