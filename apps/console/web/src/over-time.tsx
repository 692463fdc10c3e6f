import type { ComponentChildren, JSX } from "preact";
import { useAddress } from "./address.ts";
import { Loaded, useAnswer } from "./loaded.tsx";
import { Range, rangeOf } from "./range.tsx";

interface Props<T> {
  /** Asked with the range as `fromMs` and `toMs`. */
  readonly path: string;
  /** Beside the choice of the range. */
  readonly tools?: ComponentChildren;
  readonly children: (value: T) => ComponentChildren;
}

/** A page that shows what the collector answers of a range of time, which the reader chooses. */
export function OverTime<T>({ path, tools, children }: Props<T>): JSX.Element {
  const { search } = useAddress();
  const answer = useAnswer<T>(`${path}?${rangeOf(search)}`);
  return (
    <main>
      <div class="bar-of-tools">
        <Range />
        {tools}
      </div>
      <Loaded of={answer}>{children}</Loaded>
    </main>
  );
}
