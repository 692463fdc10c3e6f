import type { MethodDescription } from "./description.ts";

/** The words of a method as plain text: what it does, its parameters, result and errors. */
export function docText(method: MethodDescription): string {
  const { doc, parameters, returns } = method;
  if (!doc) return "";
  const named = parameters.filter((parameter) => parameter.doc !== "");
  const facts = [
    ...named.map((parameter) => `${parameter.name}: ${parameter.doc}`),
    ...(returns.doc ? [`returns: ${returns.doc}`] : []),
    ...doc.throws.map((text) => `throws: ${text}`),
  ];
  const deprecated = doc.deprecated === undefined ? "" : `Deprecated. ${doc.deprecated}`.trim();
  return [deprecated, doc.summary, doc.description, facts.join("\n")].filter(Boolean).join("\n\n");
}

/** The words of a method as a TSDoc comment's text. */
export function tsdoc(method: MethodDescription): string {
  const { doc, parameters, returns } = method;
  if (!doc) return "";
  const named = parameters.filter((parameter) => parameter.doc !== "");
  const tags = [
    ...named.map((parameter) => `@param ${parameter.name} - ${parameter.doc}`),
    ...(returns.doc ? [`@returns ${returns.doc}`] : []),
    ...doc.throws.map((text) => `@throws ${text}`),
    ...(doc.deprecated === undefined ? [] : [`@deprecated ${doc.deprecated}`.trim()]),
    ...doc.examples.map((text) => `@example\n${text}`),
  ];
  return [doc.summary, doc.description, tags.join("\n")].filter(Boolean).join("\n\n");
}
