import { type DecodedSpan, STATUS_ERROR } from "../span.ts";

/** Why a span failed. */
export interface Failure {
  /** The same for the same failure: type, code, first frames and service. */
  readonly fingerprint: string;
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
  readonly frames: readonly string[];
}

const FRAMES_MAX = 3;
const TEXT_MAX = 1_000;
const STACK_MAX = 16_384;

/** Why `span` failed, or `undefined` when it did not; exceptions are read from events and attributes. */
export function failureOf(span: DecodedSpan): Failure | undefined {
  if (span.status !== STATUS_ERROR) return undefined;
  const event = span.events?.find(({ name }) => name === "exception");
  const said = { ...span.attributes, ...event?.attributes };
  const text = (key: string): string | undefined =>
    typeof said[key] === "string" ? (said[key] as string).slice(0, STACK_MAX) : undefined;
  const type = (text("exception.type") ?? text("error.type") ?? "error").slice(0, TEXT_MAX);
  const code =
    (text("zp.error.code") ?? text("rpc.status_code") ?? null)?.slice(0, TEXT_MAX) ?? null;
  const message = (text("exception.message") ?? span.statusMessage).slice(0, TEXT_MAX);
  const frames = framesOf(text("exception.stacktrace") ?? "");
  const fingerprint = [type, code ?? "", ...frames, span.service].join("|");
  return { fingerprint, type, code, message, frames };
}

/** First frames of the program itself, without lines and columns, of a JavaScript or Python stack. */
function framesOf(stack: string): string[] {
  const frames: string[] = [];
  for (const line of stack.split("\n")) {
    const text = line.trim();
    if (!/^at |^File "/.test(text) || /node_modules|node:internal|\(node:/.test(text)) continue;
    frames.push(text.replace(/(:\d+){1,2}(?=\)?$)|, line \d+/g, "").slice(0, TEXT_MAX));
    if (frames.length === FRAMES_MAX) break;
  }
  return frames;
}
