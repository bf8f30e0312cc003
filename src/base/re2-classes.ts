/** Sets of characters, as tests of a code point. */
export type CharacterTest = (codePoint: number) => boolean;

/** The characters from `low` to `high`, both included. */
export const range =
  (low: number, high: number): CharacterTest =>
  (codePoint) =>
    codePoint >= low && codePoint <= high;

export const anyOf =
  (tests: readonly CharacterTest[]): CharacterTest =>
  (codePoint) =>
    tests.some((test) => test(codePoint));

export const not =
  (test: CharacterTest): CharacterTest =>
  (codePoint) =>
    !test(codePoint);

/** `ranges` holds pairs of first and last characters: 'azAZ'. */
function ranges(pairs: string): CharacterTest {
  const codes = Array.from(pairs, (character) => character.codePointAt(0) ?? 0);
  return anyOf(codes.flatMap((low, index) => (index % 2 === 0 ? [range(low, codes[index + 1] ?? low)] : [])));
}

export const isWordCharacter: CharacterTest = ranges('azAZ09__');

/** `\d`, `\s`, `\w`: ASCII only, as RE2 has them. */
export const perlClasses: Readonly<Record<string, CharacterTest>> = {
  d: ranges('09'),
  s: ranges('\t\n\f\r  '),
  w: isWordCharacter,
};

/** The names inside `[[:…:]]`. */
export const posixClasses: Readonly<Record<string, CharacterTest>> = {
  alnum: ranges('09AZaz'),
  alpha: ranges('AZaz'),
  ascii: range(0, 0x7f),
  blank: ranges('\t\t  '),
  cntrl: anyOf([range(0, 0x1f), range(0x7f, 0x7f)]),
  digit: ranges('09'),
  graph: ranges('!~'),
  lower: ranges('az'),
  print: ranges(' ~'),
  punct: ranges('!/:@[`{~'),
  space: ranges('\t\r  '),
  upper: ranges('AZ'),
  word: isWordCharacter,
  xdigit: ranges('09AFaf'),
};

/** A Unicode general category or script by name; undefined when there is none. */
export function unicodeClass(name: string): CharacterTest | undefined {
  if (!/^[A-Za-z_]{1,40}$/.test(name)) return undefined;
  const expression = propertyExpression(name) ?? propertyExpression(`Script=${name}`);
  if (expression === undefined) return undefined;
  return (codePoint) => expression.test(String.fromCodePoint(codePoint));
}

function propertyExpression(property: string): RegExp | undefined {
  try {
    return new RegExp(`^\\p{${property}}$`, 'u');
  } catch {
    return undefined;
  }
}

/** Characters of which there is a third case beside the two that `toLowerCase` and `toUpperCase` lead to. */
const oddCases: ReadonlyMap<string, string> = new Map(
  Array.from('ſ\u212a\u212bẞµςϐϑϕϖϰϱϵϴẛ\u0345\u1fbe\u2126DžLjNjDz', (character) => [caseless(character), character]),
);

function caseless(character: string): string {
  const upper = character.toUpperCase();
  return (Array.from(upper).length === 1 ? upper : character).toLowerCase();
}

/** The same test without regard to case. */
export function foldCase(test: CharacterTest): CharacterTest {
  return (codePoint) => {
    if (test(codePoint)) return true;
    const character = String.fromCodePoint(codePoint);
    const lower = caseless(character);
    const others = [lower, lower.toUpperCase(), character.toLowerCase(), character.toUpperCase(), oddCases.get(lower)];
    return others.some(
      (other) =>
        other !== undefined && other !== character && Array.from(other).length === 1 && test(other.codePointAt(0) ?? 0),
    );
  };
}
