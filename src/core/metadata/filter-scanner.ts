import { EngineError } from '#/base/errors.ts';

export type FilterOperator = '==' | '!=' | '~=';

const field = /[A-Za-z0-9_]+/y;
const operator = /[=!~]+/y;
const space = '\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const blank = new RegExp(`[${space}]*`, 'y');
/** Whatever it begins with, it goes on with what can be seen, up to a comma or blank. */
const bareValue = /.(?:(?!,)[\p{L}\p{M}\p{N}\p{P}\p{S}])*/suy;

/** Walks over one filter as containerd's scanner does: blanks are skipped before a token, never after the last one. */
export class FilterScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    if (text.includes('\0')) throw this.error('it has a null character');
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  sees(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  take(character: string): boolean {
    if (!this.sees(character)) return false;
    this.#at++;
    return true;
  }

  takeField(): string {
    this.#match(blank);
    if (this.sees('"')) return this.#takeQuoted('"');
    const name = this.#match(field);
    if (name === '') throw this.error('expected the name of a field');
    return name;
  }

  takeOperator(): FilterOperator {
    this.#match(blank);
    const found = this.#match(operator);
    if (found === '==' || found === '!=' || found === '~=') return found;
    throw this.error('expected "==", "!=" or "~="');
  }

  /** A quoted value, or all up to a blank or comma. Patterns may also be quoted by / and |. */
  takeValue(isPattern: boolean): string {
    this.#match(blank);
    for (const quote of ['"', '/', '|']) {
      if (!this.sees(quote)) continue;
      if (quote !== '"' && !isPattern) throw this.error(`only a pattern may begin with ${quote}`);
      return this.#takeQuoted(quote);
    }
    if (this.atEnd() || [',', '.', '=', '!', '~'].some((character) => this.sees(character)))
      throw this.error('expected a value; one that begins with punctuation is to be quoted');
    return this.#match(bareValue);
  }

  error(why: string): EngineError {
    const place = `${this.#text.slice(0, this.#at)}>>>${this.#text.slice(this.#at)}`;
    const shown = place.length > 300 ? `${place.slice(0, 300)}…` : place;
    return new EngineError('invalid-argument', `Cannot read the filter ${JSON.stringify(shown)}: ${why}`);
  }

  #match(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  /** A Go string literal between `quote`s. Escapes of bytes may build UTF-8 between them. */
  #takeQuoted(quote: string): string {
    const parts: Buffer[] = [];
    this.#at++;
    while (this.#text[this.#at] !== quote) {
      const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
      if (this.#at >= this.#text.length || character === '\n') throw this.error('the quote is not closed');
      if (character === '\\') parts.push(this.#takeEscape(quote));
      else {
        parts.push(Buffer.from(character));
        this.#at += character.length;
      }
    }
    this.#at++;
    return Buffer.concat(parts).toString();
  }

  #takeEscape(quote: string): Buffer {
    const byte = this.#match(/\\x[0-9A-Fa-f]{2}/y);
    if (byte !== '') return Buffer.from([Number.parseInt(byte.slice(2), 16)]);
    const octal = this.#match(/\\[0-3][0-7]{2}/y);
    if (octal !== '') return Buffer.from([Number.parseInt(octal.slice(1), 8)]);
    const unicode = this.#match(/\\u[0-9A-Fa-f]{4}|\\U00(?:0[0-9A-Fa-f]|10)[0-9A-Fa-f]{4}/y);
    if (unicode !== '') return Buffer.from(String.fromCodePoint(Number.parseInt(unicode.slice(2), 16)));
    const second = this.#text[this.#at + 1] ?? '';
    const plain = second === quote ? second : escapes.get(second);
    if (plain === undefined) throw this.error('there is no such escape');
    this.#at += 2;
    return Buffer.from(plain);
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
]);
