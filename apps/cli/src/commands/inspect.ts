import type { Command } from "commander";
import type { Context } from "../context.ts";
import { remoteCommand, withExamples } from "../remote-command.ts";
import { safeLines } from "../render/text.ts";
import type { RemoteOptions } from "../service/remote.ts";

interface InspectOptions extends RemoteOptions {
  readonly markdown?: boolean;
  readonly openapi?: boolean;
}

/** `zp inspect`, `zp types`. */
export function addInspect(program: Command, context: Context): void {
  const description = "what a service offers, in its author's words";
  withExamples(
    remoteCommand(program, "inspect <endpoint> [method]", description)
      .option("--markdown", "as a page of Markdown")
      .option("--openapi", "as an OpenAPI 3.1 document")
      .action((endpoint: string, method: string | undefined, options: InspectOptions) =>
        inspect({ endpoint, method }, options, context),
      ),
    "zp inspect tcp://127.0.0.1:4242",
    "zp inspect deploy-api deploys.create",
    "zp inspect prices --openapi > prices.json",
  );
  withExamples(
    remoteCommand(program, "types <endpoint>", "TypeScript declarations of a service").action(
      (endpoint: string, options: RemoteOptions) => types(endpoint, options, context),
    ),
    "zp types tcp://127.0.0.1:4242 > prices.d.ts",
  );
}

async function inspect(
  what: { readonly endpoint: string; readonly method: string | undefined },
  options: InspectOptions,
  context: Context,
): Promise<void> {
  const { openRemote } = await import("../service/remote.ts");
  await using remote = await openRemote(what.endpoint, options, context);
  const { methodOf, toHelp, toMarkdown, toOpenApi } = await import("@zeroplane/introspect");
  const whole = await remote.describe();
  const { method } = what;
  const one = method === undefined ? undefined : methodOf(whole, method);
  const description = one === undefined ? whole : { ...whole, methods: { [one.name]: one } };
  const { terminal } = context;
  if (options.openapi) return terminal.json(toOpenApi(description));
  if (options.json) return terminal.json(one ?? whole);
  if (options.markdown) return terminal.print(...safeLines(toMarkdown(description).trimEnd()));
  const { columns } = terminal.out;
  const help = toHelp(whole, method, {
    color: terminal.style.enabled,
    ...(columns !== undefined && { width: columns }),
  });
  terminal.print(help.trimEnd());
}

async function types(endpoint: string, options: RemoteOptions, context: Context): Promise<void> {
  const { openRemote } = await import("../service/remote.ts");
  await using remote = await openRemote(endpoint, options, context);
  const { toDts } = await import("@zeroplane/introspect");
  const text = toDts(await remote.describe());
  if (options.json) context.terminal.json({ endpoint: remote.target.endpoint, dts: text });
  else context.terminal.print(...safeLines(text.trimEnd()));
}
