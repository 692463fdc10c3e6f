import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { usage } from "../cli-error.ts";

const NAME = /^[a-z][a-z0-9-]{0,39}$/;
const NAME_MAX = 40;

/**
 * The name an app in `dir` gets: `given`, else the name in `zeroplane.json` or `package.json`, else
 * that of the folder, made to fit the rule for names.
 * @throws CliError ERR_CLI_USAGE when `given` does not fit, or one of the files is no JSON object
 */
export async function appName(dir: string, given?: string): Promise<string> {
  if (given !== undefined) return checkName(given);
  const named =
    (await nameIn(join(dir, "zeroplane.json"))) ?? (await nameIn(join(dir, "package.json")));
  return fitName(named ?? basename(dir));
}

/** @throws CliError ERR_CLI_USAGE when that cannot be the name of an app */
export function checkName(name: string): string {
  if (NAME.test(name)) return name;
  const rule = "use lower-case letters, digits and dashes, a letter first, at most 40";
  throw usage(`not an app name: ${JSON.stringify(name)}; ${rule}`);
}

/** The nearest name that fits the rule: `@acme/My_App` gives `my-app`. */
export function fitName(text: string): string {
  const fitted = text
    .replace(/^@[^/]*\//, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, NAME_MAX)
    .replace(/-+$/, "");
  return fitted === "" ? "app" : fitted;
}

async function nameIn(file: string): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const value = parse(file, text);
  return typeof value["name"] === "string" && value["name"] !== "" ? value["name"] : undefined;
}

function parse(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>;
    }
  } catch (error) {
    throw usage(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw usage(`${file} is not a JSON object`);
}
