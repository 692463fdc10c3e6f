/** `node start.ts <file>`: describes what the file exports in a fresh process; tells how long it took. */
import { pathToFileURL } from "node:url";

const [file = ""] = process.argv.slice(2);
const target: unknown = await made(file);
const start = performance.now();
const { describe } = await import("@zeroplane/introspect");
const loaded = performance.now();
const { methods } = await describe(target);
const described = performance.now();
await describe(target);
const times = {
  methods: Object.keys(methods).length,
  documented: Object.values(methods).filter(({ doc }) => doc).length,
  loadMs: loaded - start,
  describeMs: described - loaded,
  againMs: performance.now() - described,
};
process.stdout.write(JSON.stringify(times));

/** An instance of the one class that a file exports; a module as it is. */
async function made(name: string): Promise<unknown> {
  const url = name.startsWith("node:") ? name : pathToFileURL(name).href;
  const module = (await import(url)) as { Service?: new () => object };
  return module.Service ? new module.Service() : module;
}
