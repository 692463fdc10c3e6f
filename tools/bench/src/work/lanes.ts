const IN_FLIGHT = 2_000;

/** Does it `count` times, so many at a time. */
export async function lanes(count: number, add: () => Promise<void>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await add();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}
