/** Finding something out anew whenever it may have changed. */

/** Find, then tell: what was begun before another one is not told, however late it is found. */
export function latest<T>(find: () => Promise<T>, tell: (found: T) => Promise<void>): () => Promise<void> {
  let begun = 0;
  return async () => {
    begun += 1;
    const mine = begun;
    const found = await find();
    if (mine === begun) await tell(found);
  };
}
