/** Which words of a program are comments, strings, numbers and keywords: near enough to be read more easily. */

export interface Span {
  readonly kind: "comment" | "string" | "number" | "keyword";
  readonly start: number;
  readonly end: number;
}

const KEYWORDS = new Set(
  (
    "abstract and as assert async await auto base bool boolean break case catch char class const constexpr continue " +
    "crate debugger declare def default defer del delete do double dyn elif else elseif end enum except export " +
    "extends extern false False final finally float fn for foreach from func function global go goto if impl " +
    "implements import in include instanceof int interface internal is lambda let local long loop match mod module " +
    "move mut namespace native new nil None nonlocal not null nullptr of operator or override package pass private " +
    "protected pub public raise readonly ref return self Self short signed sizeof static string struct super switch " +
    "template then this throw throws trait true True try type typedef typename typeof undefined union unless unsafe " +
    "unsigned until use using val var virtual void volatile when where while with yield"
  ).split(" "),
);
const SHELL_KEYWORDS = "case do done echo elif else esac exit export fi for function if in local return then while";
const SQL_KEYWORDS =
  "and as by case create delete desc distinct drop else end exists from group having in inner insert into is join left " +
  "like limit not null on or order outer select set table then union update values when where";

/** Those without an end are given up soon, or many of them would be looked through to the end of the code. */
const STRINGS =
  /"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:[^"\\\n]|\\.){0,999}"|'(?:[^'\\\n]|\\.){0,999}'|`(?:[^`\\]|\\.){0,9999}`/;
const NUMBER = /\b\d[\w.]*/;
const WORD = /[A-Za-z_$][\w$]*/;

const WITH_HASH =
  "bash cfg conf dockerfile elixir ini julia make makefile perl python py r rb ruby sh shell toml yaml yml zsh";
const WITH_DASHES = "ada elm haskell hs lua sql plsql";
const PLAIN = new Set("console csv diff html log markdown md output plaintext svg terminal text txt xml".split(" "));

interface Grammar {
  readonly pattern: RegExp;
  readonly keywords: ReadonlySet<string>;
  readonly foldsCase: boolean;
}

const grammars = new Map<string, Grammar>();

/** Find them all, in order; none in a language that is no program, or is not named. */
export function spansOf(code: string, language: string): Span[] {
  const name = language.toLowerCase();
  if (!name || PLAIN.has(name)) return [];
  const grammar = grammars.get(name) ?? grammarOf(name);
  grammars.set(name, grammar);
  return [...code.matchAll(grammar.pattern)].flatMap((match) => spanOf(match, grammar) ?? []);
}

function spanOf(match: RegExpExecArray, grammar: Grammar): Span | undefined {
  const [text, comment, string, number] = match;
  const where = { start: match.index, end: match.index + text.length };
  if (comment) return { kind: "comment", ...where };
  if (string) return { kind: "string", ...where };
  if (number) return { kind: "number", ...where };
  const word = grammar.foldsCase ? text.toLowerCase() : text;
  return grammar.keywords.has(word) ? { kind: "keyword", ...where } : undefined;
}

function grammarOf(language: string): Grammar {
  const parts = [commentOf(language), STRINGS, NUMBER].map((part) => `(${part.source})`);
  return {
    pattern: new RegExp([...parts, WORD.source].join("|"), "g"),
    keywords: keywordsOf(language),
    foldsCase: isOneOf(language, "sql plsql"),
  };
}

function commentOf(language: string): RegExp {
  if (isOneOf(language, WITH_HASH)) return /#.*/;
  if (isOneOf(language, WITH_DASHES)) return /--.*/;
  if (isOneOf(language, "css json")) return /\/\*[\s\S]*?(?:\*\/|$)/;
  return /\/\/.*|\/\*[\s\S]*?(?:\*\/|$)/;
}

function keywordsOf(language: string): ReadonlySet<string> {
  if (isOneOf(language, "bash sh shell zsh")) return new Set(SHELL_KEYWORDS.split(" "));
  return isOneOf(language, "sql plsql") ? new Set(SQL_KEYWORDS.split(" ")) : KEYWORDS;
}

function isOneOf(language: string, names: string): boolean {
  return names.split(" ").includes(language);
}
