/** Colours for code, from four kinds of words that nearly every language has. */

import { h } from "../shared/dom";
import { spansOf } from "./spans";

/** What is coloured is bounded, so that a huge block costs nothing. */
const LONGEST = 50_000;

/** Make of a text what is shown of it; nothing, if it stays as it is. */
export function coloured(text: string, language: string): (Node | string)[] {
  if (text.length > LONGEST) return [];
  const pieces: (Node | string)[] = [];
  let done = 0;
  for (const { kind, start, end } of spansOf(text, language)) {
    pieces.push(text.slice(done, start), h(`span.${kind}`, {}, text.slice(start, end)));
    done = end;
  }
  return done === 0 ? [] : [...pieces, text.slice(done)];
}
