import { type DescribeContext, describeMethod } from "./describe-method.ts";
import type { Getter } from "./description.ts";
import type { Accessor } from "./members.ts";

/**
 * The getters of a target, which nobody runs: what they give is known by their declared type only,
 * and what it offers is not served.
 */
export function describeGetters(
  found: readonly Accessor[],
  context: DescribeContext,
): Record<string, Getter> {
  const entries = found.map(({ name, get, owner }) => {
    const member = { name, fn: get, owner, path: [name] };
    const { returns, doc, source } = describeMethod({ member, parents: [] }, context);
    return [name, { type: returns.type, doc, source }] as const;
  });
  return Object.fromEntries(entries);
}
