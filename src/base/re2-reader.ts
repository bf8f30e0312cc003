import { EngineError } from '#/base/errors.ts';

const longestPattern = 1000;

/** Characters of `\Q…\E` have no meaning of their own; they are moved here, out of the reach of every rule. */
const literalBase = 0x110000;

/** Walks over a pattern, character by character. */
export class PatternReader {
  readonly #pattern: string;
  readonly #codes: readonly number[];
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    if (pattern.length > longestPattern) throw this.error(`it is longer than ${longestPattern} characters`);
    this.#codes = markLiterals(pattern);
  }

  get atEnd(): boolean {
    return this.#at >= this.#codes.length;
  }

  /** Whether the next character is this one, with its special meaning. */
  sees(character: string): boolean {
    return this.#codes[this.#at] === character.codePointAt(0);
  }

  /** Whether the next character stands between \Q and \E. */
  get quoted(): boolean {
    return (this.#codes[this.#at] ?? 0) >= literalBase;
  }

  take(character: string): boolean {
    if (!this.sees(character)) return false;
    this.#at++;
    return true;
  }

  /** The next character as itself. */
  next(): number {
    const code = this.#codes[this.#at];
    if (code === undefined) throw this.error('it ends too early');
    this.#at++;
    return code >= literalBase ? code - literalBase : code;
  }

  /** Takes what `expression`, which starts with `^`, matches of the ASCII that is next. */
  takeMatch(expression: RegExp): RegExpExecArray | undefined {
    const ahead = this.#codes.slice(this.#at, this.#at + 64);
    const match = expression.exec(ahead.map((code) => (code < 0x80 ? String.fromCharCode(code) : '\u{fffd}')).join(''));
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  /** Takes an escape that stands for one character. */
  takeEscape(): number {
    const hex = this.takeMatch(/^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})/);
    if (hex !== undefined) return this.#codePoint(Number.parseInt(hex[1] ?? hex[2] ?? '', 16));
    const octal = this.takeMatch(/^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/);
    if (octal !== undefined) return Number.parseInt(octal[1] ?? '', 8);
    const named = this.takeMatch(/^\\([afnrtv])/);
    if (named !== undefined) return { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }[named[1] ?? ''] ?? 0;
    const mark = this.takeMatch(/^\\([!-/:-@[-`{-~])/);
    if (mark !== undefined) return mark[1]?.codePointAt(0) ?? 0;
    const shown = this.takeMatch(/^\\.?/s)?.[0] ?? '';
    throw this.error(`"${shown}" is no escape; back references are not known`);
  }

  error(why: string): EngineError {
    const shown = this.#pattern.length > 200 ? `${this.#pattern.slice(0, 200)}…` : this.#pattern;
    return new EngineError('invalid-argument', `Cannot read ${JSON.stringify(shown)} as a regular expression: ${why}`);
  }

  #codePoint(code: number): number {
    if (code > 0x10ffff) throw this.error('there is no character of that number');
    return code;
  }
}

function markLiterals(pattern: string): number[] {
  const codes: number[] = [];
  const characters = Array.from(pattern);
  let quoting = false;
  for (let at = 0; at < characters.length; at++) {
    const pair = `${characters[at]}${characters[at + 1] ?? ''}`;
    const code = characters[at]?.codePointAt(0) ?? 0;
    if (quoting && pair === '\\E') {
      quoting = false;
      at++;
    } else if (quoting) {
      codes.push(code + literalBase);
    } else if (pair === '\\Q') {
      quoting = true;
      at++;
    } else {
      codes.push(code);
      // The character after a backslash belongs to it, so that `\\Q` is a backslash and a Q.
      if (code === 0x5c && at + 1 < characters.length) codes.push(characters[++at]?.codePointAt(0) ?? 0);
    }
  }
  return codes;
}
