import { foldCase, not, perlClasses, range, type CharacterTest } from '#/base/re2-classes.ts';
import { parseBracketClass, parseUnicodeClass, type Flags } from '#/base/re2-bracket.ts';
import { PatternReader } from '#/base/re2-reader.ts';

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word-edge' | 'no-word-edge';

/** A regular expression as a tree. Groups leave no trace: only whether a text matches is ever asked. */
export type Re2Node =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly Re2Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Re2Node[] }
  | { readonly kind: 'repeat'; readonly part: Re2Node; readonly min: number; readonly max: number };

const deepestNesting = 100;
const mostRepeats = 1000;

const escapedAssertions: Readonly<Record<string, Assertion>> = {
  A: 'text-start',
  z: 'text-end',
  b: 'word-edge',
  B: 'no-word-edge',
};

/** Reads RE2's syntax, as Go's regexp takes it. Throws `invalid-argument` for all else: look-around, back references. */
export function parseRe2(pattern: string): Re2Node {
  const reader = new PatternReader(pattern);
  const node = parseChoice(reader, { i: false, m: false, s: false }, 0);
  if (!reader.atEnd) throw reader.error('there is a ")" too many');
  return node;
}

/** Up to the end of the group; flags set within hold to there. */
function parseChoice(reader: PatternReader, given: Flags, depth: number): Re2Node {
  if (depth > deepestNesting) throw reader.error(`groups are nested more than ${deepestNesting} deep`);
  const options: Re2Node[] = [];
  let parts: Re2Node[] = [];
  let flags = given;
  const endOption = (): void => {
    options.push({ kind: 'sequence', parts });
    parts = [];
  };
  while (!reader.atEnd && !reader.sees(')')) {
    if (reader.take('|')) {
      endOption();
      continue;
    }
    const changed = takeFlags(reader, flags);
    if (changed !== undefined) flags = changed;
    else parts.push(parseRepeat(reader, parseAtom(reader, flags, depth)));
  }
  endOption();
  return options.length === 1 && options[0] !== undefined ? options[0] : { kind: 'choice', options };
}

/** `(?i)` and the like: flags for the rest of the group. */
function takeFlags(reader: PatternReader, flags: Flags): Flags | undefined {
  const match = reader.takeMatch(/^\(\?([imsU-]+)\)/);
  return match === undefined ? undefined : changeFlags(reader, flags, match[1] ?? '');
}

/** `U` swaps greedy and lazy, which changes nothing about whether a text matches. */
function changeFlags(reader: PatternReader, flags: Flags, text: string): Flags {
  const [on = '', off, ...more] = text.split('-');
  if (more.length > 0 || off === '') throw reader.error(`"${text}" are no flags`);
  const has = (flag: 'i' | 'm' | 's'): boolean => (flags[flag] || on.includes(flag)) && !(off ?? '').includes(flag);
  return { i: has('i'), m: has('m'), s: has('s') };
}

function parseAtom(reader: PatternReader, flags: Flags, depth: number): Re2Node {
  if (reader.sees('(')) return parseGroup(reader, flags, depth);
  if (reader.sees('[')) return { kind: 'character', test: parseBracketClass(reader, flags) };
  if (reader.sees('\\')) return parseEscape(reader, flags);
  if (reader.take('.')) return { kind: 'character', test: flags.s ? () => true : not(range(10, 10)) };
  if (reader.take('^')) return { kind: 'assertion', assertion: flags.m ? 'line-start' : 'text-start' };
  if (reader.take('$')) return { kind: 'assertion', assertion: flags.m ? 'line-end' : 'text-end' };
  const operator = takeRepeat(reader);
  if (operator !== undefined) throw reader.error('a repetition has nothing to repeat');
  return literal(reader.next(), flags);
}

function literal(codePoint: number, flags: Flags): Re2Node {
  const test = range(codePoint, codePoint);
  return { kind: 'character', test: flags.i ? foldCase(test) : test };
}

function parseGroup(reader: PatternReader, flags: Flags, depth: number): Re2Node {
  let inner = flags;
  const special = reader.takeMatch(/^\(\?(?:P?<(?<name>[A-Za-z0-9_]+)>|(?<flags>[imsU-]*):)/);
  if (special?.groups?.['flags']) inner = changeFlags(reader, flags, special.groups['flags']);
  if (special === undefined) {
    if (reader.takeMatch(/^\(\?/) !== undefined)
      throw reader.error('only (?:…), (?flags:…) and named groups are known, no look-around');
    reader.take('(');
  }
  const node = parseChoice(reader, inner, depth + 1);
  if (!reader.take(')')) throw reader.error('a ")" is missing');
  return node;
}

function parseEscape(reader: PatternReader, flags: Flags): Re2Node {
  const unicode = parseUnicodeClass(reader, flags);
  if (unicode !== undefined) return { kind: 'character', test: unicode };
  const letter = reader.takeMatch(/^\\([AzbBdDsSwW])/)?.[1];
  if (letter === undefined) return literal(reader.takeEscape(), flags);
  const assertion = escapedAssertions[letter];
  if (assertion !== undefined) return { kind: 'assertion', assertion };
  const test = perlClasses[letter.toLowerCase()] ?? (() => false);
  return { kind: 'character', test: letter === letter.toLowerCase() ? test : not(test) };
}

function parseRepeat(reader: PatternReader, part: Re2Node): Re2Node {
  const limits = takeRepeat(reader);
  if (limits === undefined) return part;
  reader.take('?');
  if (takeRepeat(reader) !== undefined) throw reader.error('a repetition is repeated; put it into a group');
  const node = { kind: 'repeat', part, ...limits } as const;
  if (!repeatsWithin(node, mostRepeats))
    throw reader.error(`repetitions within each other are more than ${mostRepeats}`);
  return node;
}

/** Counted repetitions within each other multiply. */
function repeatsWithin(node: Re2Node, most: number): boolean {
  switch (node.kind) {
    case 'character':
    case 'assertion':
      return true;
    case 'sequence':
      return node.parts.every((part) => repeatsWithin(part, most));
    case 'choice':
      return node.options.every((option) => repeatsWithin(option, most));
    case 'repeat': {
      const count = Math.max(1, node.max === Infinity ? node.min : node.max);
      return count <= most && (node.max === 0 || repeatsWithin(node.part, Math.floor(most / count)));
    }
  }
}

/** A brace that opens no repetition is a plain character. */
function takeRepeat(reader: PatternReader): { readonly min: number; readonly max: number } | undefined {
  if (reader.take('*')) return { min: 0, max: Infinity };
  if (reader.take('+')) return { min: 1, max: Infinity };
  if (reader.take('?')) return { min: 0, max: 1 };
  const match = reader.takeMatch(/^\{(\d{1,9})(,(\d{1,9})?)?\}/);
  if (match === undefined) return undefined;
  const min = Number(match[1]);
  const max = match[2] === undefined ? min : match[3] === undefined ? Infinity : Number(match[3]);
  if (min > mostRepeats || (max !== Infinity && max > mostRepeats) || max < min)
    throw reader.error(`"${match[0]}" repeats more than ${mostRepeats} times, or its limits are turned round`);
  return { min, max };
}
