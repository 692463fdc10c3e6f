/** The text of a service of many methods, documented and typed as people do. */
export function serviceText(methods: number): string {
  const list = Array.from({ length: methods }, (_, at) => methodText(at));
  return `export interface Item { id: string; tags: string[]; state: "open" | "paid"; at?: Date }

/** Many methods. */
export class Service {
${list.join("\n")}}
`;
}

function methodText(at: number): string {
  return `  /**
   * Does the thing number ${at}, see {@link Service.method${at}}.
   *
   * @param id - which item
   * @param count - how many
   * @param options - what else
   * @returns the item
   * @throws {RangeError} when there are too many
   */
  async method${at}(id: string, count = ${at}, options: { deep?: boolean; item?: Item } = {}): Promise<Item> {
    if (count > 1_000) throw new RangeError(String(options.deep));
    return { id, tags: [], state: "open" };
  }
`;
}
