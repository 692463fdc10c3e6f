import { type Context, type ContextManager, createContextKey } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { currentCall } from "@zeroplane/rpc";
import { CallSpan } from "./call-span.ts";

const CALL = createContextKey("the call in which this context was set");

/**
 * The current context, where a call that is being served is one as well: rpc keeps it already, so
 * that it needs no second store. What is set inside of the call goes before it.
 */
export class CallContexts extends AsyncLocalStorageContextManager implements ContextManager {
  override active(): Context {
    const own = super.active();
    const call = currentCall();
    const span = call?.observed;
    if (!(span instanceof CallSpan) || own.getValue(CALL) === call) return own;
    return span.context;
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
}

function marked(context: Context): Context {
  const call = currentCall();
  return context.getValue(CALL) === call ? context : context.setValue(CALL, call);
}
