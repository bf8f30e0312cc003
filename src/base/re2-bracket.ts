import {
  anyOf,
  foldCase,
  not,
  perlClasses,
  posixClasses,
  range,
  unicodeClass,
  type CharacterTest,
} from '#/base/re2-classes.ts';
import type { PatternReader } from '#/base/re2-reader.ts';

/** `i` ignores case, `m` lets `^` and `$` match at lines, `s` lets `.` match a newline. */
export interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

/** `[a-z]`, `[^a-z]`, with escapes and named classes inside. */
export function parseBracketClass(reader: PatternReader, flags: Flags): CharacterTest {
  reader.take('[');
  const negated = reader.take('^');
  const tests: CharacterTest[] = [];
  // A "]" in the first place is itself.
  do tests.push(parseNamedClass(reader, flags) ?? parseRange(reader));
  while (!reader.sees(']') && !reader.atEnd);
  if (!reader.take(']')) throw reader.error('a "]" is missing');
  const test = flags.i ? foldCase(anyOf(tests)) : anyOf(tests);
  return negated ? not(test) : test;
}

/** `\pL`, `\p{Greek}`, `\P{…}`, `\p{^…}`; undefined when there is none next. */
export function parseUnicodeClass(reader: PatternReader, flags: Flags): CharacterTest | undefined {
  const match = reader.takeMatch(/^\\([pP])(?:([A-Za-z])|\{(\^?)([A-Za-z_]+)\})/);
  if (match === undefined) return undefined;
  const [text, letter, single, caret, name] = match;
  const test = unicodeClass(single ?? name ?? '');
  if (test === undefined) throw reader.error(`"${text}" is no class of characters`);
  const folded = flags.i ? foldCase(test) : test;
  return (letter === 'P') === (caret === '^') ? folded : not(folded);
}

function parseNamedClass(reader: PatternReader, flags: Flags): CharacterTest | undefined {
  const posix = reader.takeMatch(/^\[:(\^?)([a-z]+):\]/);
  if (posix !== undefined) {
    const test = posixClasses[posix[2] ?? ''];
    if (test === undefined) throw reader.error(`"${posix[0]}" is no class of characters`);
    return posix[1] === '^' ? not(test) : test;
  }
  const letter = reader.takeMatch(/^\\([dDsSwW])/)?.[1];
  if (letter === undefined) return parseUnicodeClass(reader, flags);
  const test = perlClasses[letter.toLowerCase()] ?? (() => false);
  return letter === letter.toLowerCase() ? test : not(test);
}

function parseRange(reader: PatternReader): CharacterTest {
  const low = parseMember(reader);
  // A "-" before the closing bracket is itself.
  if (reader.takeMatch(/^-(?!\])/) === undefined) return range(low, low);
  const high = parseMember(reader);
  if (high < low) throw reader.error('a range of characters is turned round');
  return range(low, high);
}

function parseMember(reader: PatternReader): number {
  if (reader.quoted) throw reader.error('"\\Q" has no meaning between brackets');
  return reader.sees('\\') ? reader.takeEscape() : reader.next();
}
