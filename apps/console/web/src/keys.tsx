import type { JSX, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Keys of a page, separated by spaces, with what they do. */
export type KeyList = readonly (readonly [keys: string, what: string])[];

/** What a page needs to be used by keys. */
interface Keyboard {
  /** True while the list of keys is shown: `?` does that. */
  readonly isHelp: boolean;
  readonly toggleHelp: () => void;
  /** The field that `/` leads to. */
  readonly finder: RefObject<HTMLInputElement | null>;
}

/**
 * Hands keys to `press` while nobody types.
 * @param press says whether the key meant something; the same function until it would do otherwise
 */
export function useKeyboard(press: (key: string) => boolean): Keyboard {
  const [isHelp, setHelp] = useState(false);
  const finder = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = takesText(event.target);
      if (event.key === "Escape") {
        setHelp(false);
        if (isTyping) (event.target as HTMLElement).blur();
      }
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "?") setHelp((shown) => !shown);
      else if (event.key === "/") finder.current?.focus();
      else if (!press(event.key)) return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [press]);
  return { isHelp, toggleHelp: () => setHelp(!isHelp), finder };
}

const takesText = (target: EventTarget | null): boolean =>
  target instanceof Element && target.matches('input:not([type="checkbox"]), select, textarea');

/** Leads the focus to the next row that has a link, or to the one before. */
export function stepRow(by: 1 | -1): void {
  const links = [
    ...document.querySelectorAll<HTMLElement>("main table.data tbody a:first-of-type"),
  ];
  const rows = links.filter((link, i) => link.closest("tr") !== links[i - 1]?.closest("tr"));
  const here = document.activeElement?.closest("tr");
  const at = here ? rows.findIndex((link) => link.closest("tr") === here) : -1;
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by;
  rows[Math.min(rows.length - 1, Math.max(0, next))]?.focus();
}

/** The button that shows the list of keys. */
export function HelpButton({ isHelp, toggleHelp }: Omit<Keyboard, "finder">): JSX.Element {
  return (
    <button type="button" class="plain" aria-expanded={isHelp} onClick={toggleHelp}>
      Keys ( ? )
    </button>
  );
}

/** The list of keys. */
export function KeyHelp({ keys }: { readonly keys: KeyList }): JSX.Element {
  return (
    <dl class="keys">
      {keys.map(([names, what]) => (
        <div key={names}>
          <dt>
            {names.split(" ").map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}
