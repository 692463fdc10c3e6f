import type { Trace, TraceQuery } from "@zeroplane/trace-collector";
import type { Command } from "commander";
import type { Access } from "../access.ts";
import { CliError, usage } from "../cli-error.ts";
import { platformCommand, wholeNumber } from "../command.ts";
import type { Context, PlatformOptions } from "../context.ts";
import type { Style } from "../render/style.ts";
import { traceTree } from "../render/tree.ts";
import { formatAgo, formatMs } from "../render/units.ts";
import { whyLines } from "../render/why.ts";
import { whyOf } from "../render/why-of.ts";
import type { ServeTracesOptions } from "./serve-traces.ts";

interface TraceOptions extends PlatformOptions {
  readonly last?: boolean;
}

interface ListOptions extends PlatformOptions {
  readonly service?: string;
  readonly name?: string;
  readonly minMs?: number;
  readonly error?: boolean;
  readonly count: number;
}

const PORT_MAX = 65_535;
const COUNT = 20;
const COUNT_MAX = 500;
const DAY_MS = 86_400_000;

const WHY_JSON = `
With --json, one object; times are milliseconds:
  traceId, service, operation, durationMs
  waitedFor  [{ spanId, service, node, operation, atMs, ms }]: in order; the parts make up durationMs
  tookTime   [{ service, operation, spans, selfMs }]: the most first
  failed     [{ type, message, origin, through, also, stack }]: each failure once, with its spans`;

/** `zp trace`, `zp traces`, `zp why`. */
export function addTraces(program: Command, context: Context): void {
  platformCommand(program, "trace [id]", "one trace as a tree; the id of a trace or of a deploy")
    .option("--last", "of the newest deploy")
    .action((id: string | undefined, options: TraceOptions) =>
      show(id, options, context, { of: (trace) => trace, lines: traceTree }),
    );
  platformCommand(program, "why [id]", "where the time of a trace went, and why it failed")
    .option("--last", "of the newest deploy")
    .addHelpText("after", WHY_JSON)
    .action((id: string | undefined, options: TraceOptions) =>
      show(id, options, context, { of: whyOf, lines: whyLines }),
    );
  const traces = platformCommand(
    program,
    "traces",
    "traces, newest first; with --port: a collector alone",
  )
    .enablePositionalOptions()
    .option("--service <name>", "with a span of this service")
    .option("--name <name>", "with a span of this name")
    .option("--min-ms <ms>", "at least this long", wholeNumber(0, DAY_MS))
    .option("--error", "with an error")
    .option("-n, --count <n>", "how many at most", wholeNumber(1, COUNT_MAX), COUNT)
    .option(
      "--port <port>",
      "be a collector: OTLP in and queries out there, until Ctrl-C",
      wholeNumber(1, PORT_MAX),
    )
    .option("--host <address>", "with --port: who may reach it (default: this machine)")
    .option(
      "--keep-days <days>",
      "with --port: how long spans are kept (default 7)",
      wholeNumber(1, 3_650),
    )
    .option("--tee <url>", "with --port: send everything on to this backend as OTLP/HTTP")
    .option("--tee-headers <list>", "with --tee: name=value, with commas between")
    .action(async (options: ListOptions & Partial<ServeTracesOptions>) => {
      const { port, ...others } = options;
      if (port === undefined) return list(options, context);
      const { serveTraces } = await import("./serve-traces.ts");
      return serveTraces({ ...others, port }, context);
    });
  traces
    .command("import <file>")
    .description("send a file of OTLP/JSON, such as an exported trace, to a collector")
    .option("--to <url>", "the collector", "http://127.0.0.1:4318")
    .action(async (file: string, { to }: { to: string }) => {
      const { importTraces } = await import("./serve-traces.ts");
      return importTraces(file, to, context);
    });
}

/** What is shown of a trace: as it is, or in lines. */
interface Shown<T> {
  readonly of: (trace: Trace) => T;
  readonly lines: (value: T, style: Style) => string[];
}

async function show<T>(
  id: string | undefined,
  options: TraceOptions,
  context: Context,
  { of, lines }: Shown<T>,
): Promise<void> {
  const value = of(await traceOf(id, options, context));
  const { terminal } = context;
  if (options.json) terminal.json(value);
  else terminal.print(...lines(value, terminal.style));
}

async function traceOf(
  id: string | undefined,
  options: TraceOptions,
  context: Context,
): Promise<Trace> {
  if ((id === undefined) === (options.last !== true)) {
    throw usage("say which trace: an ID, or --last");
  }
  await using access = await context.open(options);
  const traceId = await traceIdOf(id, access);
  // Awaited here: leaving this function closes the line.
  return await (await access.traceCollector()).traces.get(traceId);
}

/** The trace of a deploy, of the newest one, or the id itself. */
async function traceIdOf(id: string | undefined, access: Access): Promise<string> {
  if (id !== undefined && !id.startsWith("d-")) return id;
  const api = await access.api();
  const [deploy] =
    id === undefined ? await api.deploys.list(undefined, 1) : [await api.deploys.get(id)];
  if (deploy === undefined) throw new CliError("ERR_CLI_USAGE", "nothing was deployed yet");
  if (deploy.traceId === undefined) throw usage(`the deploy ${deploy.id} was not traced`);
  return deploy.traceId;
}

async function list(options: ListOptions, context: Context): Promise<void> {
  await using access = await context.open(options);
  const { service, name, minMs, error, count: limit } = options;
  const query: TraceQuery = {
    limit,
    ...(service !== undefined && { service }),
    ...(name !== undefined && { name }),
    ...(minMs !== undefined && { minMs }),
    ...(error === true && { error }),
  };
  const traces = await (await access.traceCollector()).traces.list(query);
  const { terminal } = context;
  if (options.json) return terminal.json(traces);
  const { style } = terminal;
  const rows = traces.map((trace) => [
    trace.traceId,
    trace.name,
    trace.service,
    formatMs(trace.durationMs),
    formatAgo(Date.now() - trace.startMs),
    String(trace.spans),
    {
      text: String(trace.errors),
      paint: (text: string) => (trace.errors > 0 ? style.bad(text) : style.dim(text)),
    },
  ]);
  const head = ["TRACE", "NAME", "SERVICE", "TOOK", "AGO", "SPANS", "ERRORS"];
  terminal.table(head, rows, "no such traces");
}
