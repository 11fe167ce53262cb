/** Change a tree into another that begins alike, and leave alone what is the same. */

/** Make `shown` say what `wanted` says; nodes of `wanted` are moved into it. */
export function morph(shown: Element, wanted: Element): void {
  let at = 0;
  for (;;) {
    const [before, after] = [shown.childNodes[at], wanted.childNodes[0]];
    if (!before || !after || !become(before, after)) break;
    after.remove();
    at += 1;
  }
  while (shown.childNodes.length > at) shown.lastChild?.remove();
  shown.append(...wanted.childNodes);
}

/** Make one node into another; false if it has to be replaced. */
function become(before: Node, after: Node): boolean {
  if (before.isEqualNode(after)) return true;
  if (before instanceof Text && after instanceof Text) return write(before, after.data);
  if (!(before instanceof Element && after instanceof Element) || !isSameShell(before, after)) return false;
  morph(before, after);
  return true;
}

function write(text: Text, data: string): true {
  if (data.startsWith(text.data)) text.appendData(data.slice(text.length));
  else text.data = data;
  return true;
}

function isSameShell(one: Element, other: Element): boolean {
  return one.cloneNode(false).isEqualNode(other.cloneNode(false));
}
