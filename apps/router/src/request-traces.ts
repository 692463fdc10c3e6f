import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { extract, inject, startSpan } from "@zeroplane/tracing";
import type { OnRequest } from "./proxy.ts";

/** Requests that begin a trace of their own, a second; those that belong to one are always traced. */
const OWN_TRACES_MAX = 20;
const SERVER_ERROR = 500;

/** Traces requests: a span each, whose context the app gets. */
export function traceRequests(): OnRequest {
  let second = 0;
  let begun = 0;
  const mayBegin = (): boolean => {
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) begun = 0;
    second = now;
    return ++begun <= OWN_TRACES_MAX;
  };
  return async (info, next) => {
    const { traceparent } = info.headers;
    const belongs = typeof traceparent === "string";
    if (!belongs && !mayBegin()) return next();
    const parent = belongs ? extract({ traceparent }) : context.active();
    const attributes = {
      "http.request.method": info.method,
      "url.path": info.path.split("?", 1)[0] ?? "/",
      "server.address": info.host,
      "zp.request": info.id,
      ...(info.app !== undefined && { "zp.app": info.app }),
      ...(info.release !== undefined && { "zp.release": info.release }),
    };
    const span = startSpan(`${info.method} ${info.app ?? info.host}`, {
      kind: SpanKind.SERVER,
      attributes,
      parent,
    });
    const headers: Record<string, string> = {};
    inject(headers, trace.setSpan(parent, span));
    try {
      const outcome = await next(headers);
      span.setAttribute("http.response.status_code", outcome.status);
      span.setAttribute("zp.attempts", outcome.attempts);
      if (outcome.instance !== undefined) span.setAttribute("zp.instance", outcome.instance);
      if (outcome.error !== undefined) span.setAttribute("error.type", outcome.error);
      if (outcome.status >= SERVER_ERROR) span.setStatus({ code: SpanStatusCode.ERROR });
      return outcome;
    } finally {
      span.end();
    }
  };
}
