import type { JSX } from "preact";
import { change, useAddress } from "./address.ts";

interface Props {
  /** Of the part of the address that it stands for. */
  readonly name: string;
  readonly label: string;
  readonly placeholder?: string;
}

/** A field whose text stands in the address. */
export function Field({ name, label, placeholder = "any" }: Props): JSX.Element {
  const { search } = useAddress();
  return (
    <label>
      {label}{" "}
      <input
        type="text"
        name={name}
        placeholder={placeholder}
        value={search.get(name) ?? ""}
        onChange={({ currentTarget }) => change({ [name]: currentTarget.value.trim() })}
      />
    </label>
  );
}

/** A box that is ticked while the address says `true`. */
export function Tick({ name, label }: Pick<Props, "name" | "label">): JSX.Element {
  const { search } = useAddress();
  return (
    <label>
      <input
        type="checkbox"
        checked={search.get(name) === "true"}
        onChange={({ currentTarget }) =>
          change({ [name]: currentTarget.checked ? "true" : undefined })
        }
      />{" "}
      {label}
    </label>
  );
}
