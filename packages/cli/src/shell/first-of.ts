/** The first elements of an iterable; nothing is asked of it after them. */
export async function* firstOf<Element>(
  elements: AsyncIterable<Element>,
  limit: number,
): AsyncGenerator<Element> {
  let left = limit;
  for await (const element of elements) {
    yield element;
    if (--left === 0) return;
  }
}
