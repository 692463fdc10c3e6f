import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";

/** Stands in an address for every span below a root. */
export const ALL = "all";

/**
 * Spans whose children are hidden: those that are named, or all below the roots but those that are named,
 * so that an address stays short.
 */
export class Folds {
  readonly #isAll: boolean;
  readonly #named: ReadonlySet<Span>;

  /** @param text as it stands in an address: ids with commas between, or `all` and those that are not */
  constructor(trace: Trace, text: string) {
    const parts = text.split(",").filter(Boolean);
    this.#isAll = parts[0] === ALL;
    this.#named = new Set(parts.map(trace.find).filter((span) => span !== undefined));
  }

  /** True when nothing is hidden. */
  get isEmpty(): boolean {
    return !this.#isAll && this.#named.size === 0;
  }

  /** True when the children of `span` are hidden. */
  has(span: Span): boolean {
    const isMeant = this.#isAll && span.below > 0 && span.depth > 0;
    return isMeant !== this.#named.has(span);
  }

  /** The text for an address once each of `spans` is the other way. */
  toggled(...spans: readonly Span[]): string {
    const named = new Set(this.#named);
    for (const span of spans) if (!named.delete(span)) named.add(span);
    const ids = [...named].map(({ id }) => id);
    return (this.#isAll ? [ALL, ...ids] : ids).join();
  }

  /** The text for an address once `span` can be seen. */
  showing({ spans }: Trace, span: Span): string {
    const above: Span[] = [];
    for (let at = span.parent; at >= 0; at = spans[at]?.parent ?? -1) {
      const each = spans[at];
      if (each !== undefined && this.has(each)) above.push(each);
    }
    return this.toggled(...above);
  }
}
