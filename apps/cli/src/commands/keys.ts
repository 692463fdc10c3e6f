import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { nearest } from "@zeroplane/introspect/nearest";
import type { Command } from "commander";
import { usage } from "../cli-error.ts";
import { nounCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { KEY_NAMES } from "../platform/members.ts";
import { withExamples } from "../remote-command.ts";

interface Options {
  readonly data?: string;
  readonly json?: boolean;
  readonly keys?: string;
}

interface NewOptions extends Options {
  readonly all?: boolean;
}

/** `zp keys`, with `list`, `new`, `show`, `trust` and `revoke`. */
export function addKeys(program: Command, context: Context): void {
  const withFolder = (command: Command): Command =>
    command
      .option("--keys <folder>", "folder of keys (default: ZP_KEYS, or that of the platform)")
      .option("--data <folder>", "data folder of the platform")
      .option("--json", "print JSON");
  const keys = withFolder(program.command("keys").description("keys of services and people"));
  nounCommand(keys, (options) => list(options, context));
  withFolder(keys.command("list").description("everyone whose key is trusted")).action(
    (options: Options) => list(options, context),
  );
  withFolder(keys.command("new [names...]").description("make key pairs that are not there yet"))
    .option("--all", "of every kind of service, and of this command")
    .action((names: string[], options: NewOptions) => make(names, options, context));
  withFolder(keys.command("show <name>").description("the public key of one")).action(
    (name: string, options: Options) => show(name, options, context),
  );
  withFolder(
    keys.command("trust <name> <publicKey>").description("let the owner of a key in"),
  ).action((name: string, publicKey: string, options: Options) =>
    trust(name, publicKey, options, context),
  );
  withFolder(keys.command("revoke <name>").description("trust the key of one no more")).action(
    (name: string, options: Options) => revoke(name, options, context),
  );
  withExamples(
    keys,
    "zp keys new alice --keys ./keys",
    "zp keys trust bob 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7' --keys ./keys",
    "zp keys revoke bob --keys ./keys",
  );
}

function folderOf({ keys, data }: Options, context: Context): string {
  const { env, cwd } = context;
  if (keys !== undefined) return resolve(cwd, keys);
  if (data === undefined && env["ZP_KEYS"]) return resolve(cwd, env["ZP_KEYS"]);
  return join(context.dataFolder({ ...(data !== undefined && { data }) }), "keys");
}

async function make(names: string[], options: NewOptions, context: Context): Promise<void> {
  const wanted = options.all === true ? [...KEY_NAMES, ...names] : names;
  if (wanted.length === 0) throw usage("say whose: zp keys new NAME, or --all");
  for (const name of wanted) checkName(name);
  const { Keyring } = await import("@zeroplane/link");
  const keyring = new Keyring(folderOf(options, context));
  const known = keyring.trusted();
  const pairs = wanted.map((name) => ({ name, publicKey: keyring.create(name).publicKey }));
  const { terminal } = context;
  if (options.json) return terminal.json(pairs);
  const rows = pairs.map(({ name, publicKey }) => {
    return [name, publicKey, known.has(publicKey) ? "was there" : "new"];
  });
  terminal.table(["NAME", "PUBLIC KEY", ""], rows, "none");
  terminal.note(`in ${keyring.folder}`);
}

async function show(name: string, options: Options, context: Context): Promise<void> {
  checkName(name);
  const { Keyring } = await import("@zeroplane/link");
  const publicKey = new Keyring(existing(options, context)).publicKey(name);
  if (options.json) context.terminal.json({ name, publicKey });
  else context.terminal.print(publicKey);
}

async function trust(
  name: string,
  publicKey: string,
  options: Options,
  context: Context,
): Promise<void> {
  checkName(name);
  const { Keyring } = await import("@zeroplane/link");
  const keyring = new Keyring(folderOf(options, context));
  keyring.trust(name, publicKey);
  if (options.json) context.terminal.json({ name, publicKey });
  else context.terminal.note(`${name} is trusted, in ${keyring.folder}`);
}

async function revoke(name: string, options: Options, context: Context): Promise<void> {
  checkName(name);
  const { Keyring } = await import("@zeroplane/link");
  const keyring = new Keyring(existing(options, context));
  const known = [...keyring.trusted().values()];
  if (!keyring.revoke(name)) {
    const [near] = nearest(name, known);
    const hint = near === undefined ? "see: zp keys" : `did you mean ${near}?`;
    throw usage(`${name} is not trusted in ${keyring.folder}; ${hint}`);
  }
  if (options.json) context.terminal.json({ name, revoked: true });
  else
    context.terminal.note(`${name} is trusted no more; listeners end its sessions within a second`);
}

async function list(options: Options, context: Context): Promise<void> {
  const { Keyring } = await import("@zeroplane/link");
  const folder = existing(options, context);
  const trusted = [...new Keyring(folder).trusted()].map(([publicKey, name]) => {
    return { name, publicKey, isOwn: existsSync(join(folder, `${name}.key`)) };
  });
  const sorted = trusted.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const { terminal } = context;
  if (options.json) return terminal.json(sorted);
  const rows = sorted.map(({ name, publicKey, isOwn }) => {
    return [name, publicKey, isOwn ? "pair" : "public"];
  });
  terminal.table(["NAME", "PUBLIC KEY", "HAS"], rows, `no keys in ${folder}`);
}

/** Looking must not make a folder. */
function existing(options: Options, context: Context): string {
  const folder = folderOf(options, context);
  if (existsSync(folder)) return folder;
  throw usage(`no folder of keys at ${folder}; make one with: zp keys new --all`);
}

function checkName(name: string): void {
  if (/^[a-z0-9][\w-]{0,63}$/i.test(name)) return;
  throw usage(`not a name for a key: ${JSON.stringify(name)}; use letters, digits, _ and -`);
}
