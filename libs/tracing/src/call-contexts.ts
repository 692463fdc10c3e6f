import {
  type Context,
  type ContextManager,
  createContextKey,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { Traceparent } from "@zeroplane/link";
import { type CallContext, currentCall } from "@zeroplane/rpc";
import { UNRECORDED } from "./call-observer.ts";
import { CallSpan } from "./call-span.ts";

const CALL = createContextKey("the call in which this context was set");

/**
 * The current context, where a call that is being served is one as well: rpc keeps it already, so
 * that it needs no second store. What is set inside of the call goes before it.
 */
export class CallContexts extends AsyncLocalStorageContextManager implements ContextManager {
  /** Of calls that are not recorded, from the first time that somebody asks. */
  readonly #unrecorded = new WeakMap<CallContext, Context>();

  override active(): Context {
    const own = super.active();
    const call = currentCall();
    const observed = call?.observed;
    if (call === undefined || observed === undefined || own.getValue(CALL) === call) return own;
    if (observed instanceof CallSpan) return observed.context;
    return observed === UNRECORDED ? this.#contextOf(call, own) : own;
  }

  /** Where the running code is in its trace; no ids are made for it. */
  place(): Traceparent | undefined {
    const call = currentCall();
    const isUnrecorded = call?.observed === UNRECORDED && !this.#unrecorded.has(call);
    if (isUnrecorded && super.active().getValue(CALL) !== call) return Traceparent.UNRECORDED;
    const span = trace.getSpan(this.active());
    if (span === undefined) return undefined;
    if (span instanceof CallSpan) return span.place;
    const { traceId, spanId, traceFlags } = span.spanContext();
    const flags = (traceFlags & 0xff).toString(16).padStart(2, "0");
    return Traceparent.parse(`00-${traceId}-${spanId}-${flags}`);
  }

  override with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return super.with(marked(context), fn, thisArg, ...args);
  }

  override attach(context: Context): ReturnType<AsyncLocalStorageContextManager["attach"]> {
    return super.attach(marked(context));
  }

  /** Ids that say that nothing is recorded, the same as long as the call goes on. */
  #contextOf(call: CallContext, own: Context): Context {
    const known = this.#unrecorded.get(call);
    if (known !== undefined) return known;
    const place = Traceparent.parse(String(Traceparent.UNRECORDED));
    if (place === undefined) return own;
    const { traceId, spanId, flags: traceFlags } = place;
    const made = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags });
    this.#unrecorded.set(call, made);
    return made;
  }
}

function marked(context: Context): Context {
  const call = currentCall();
  return context.getValue(CALL) === call ? context : context.setValue(CALL, call);
}
