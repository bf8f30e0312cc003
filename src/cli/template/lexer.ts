import { EngineError } from '#/base/errors.ts';

export type Token =
  | { readonly kind: 'field'; readonly path: readonly string[]; readonly glued: boolean }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'mark'; readonly mark: '(' | ')' | '|' | ',' | ':=' | '=' };

/** A template as pieces: plain text, and actions between `{{` and `}}`. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly source: string; readonly tokens: readonly Token[] };

export function templateError(why: string): EngineError {
  return new EngineError('invalid-argument', `Cannot use the template: ${why}`);
}

/** Cuts a Go template (text/template) into pieces; `{{-` and `-}}` trim the text beside them, comments vanish. */
export function cutPieces(template: string): Piece[] {
  const pieces: Piece[] = [];
  let trimNext = false;
  const addText = (raw: string, trimEnd: boolean): void => {
    const start = trimNext ? raw.trimStart() : raw;
    const text = trimEnd ? start.trimEnd() : start;
    if (text !== '') pieces.push({ kind: 'text', text });
  };
  for (let at = 0; ;) {
    const open = template.indexOf('{{', at);
    if (open < 0) {
      addText(template.slice(at), false);
      return pieces;
    }
    const close = endOfAction(template, open + 2);
    const inside = template.slice(open + 2, close);
    const trimsLeft = /^-\s/.test(inside);
    addText(template.slice(at, open), trimsLeft);
    trimNext = /\s-$/.test(inside);
    const source = inside.slice(trimsLeft ? 1 : 0, trimNext ? -1 : undefined).trim();
    if (!/^\/\*[^]*\*\/$/.test(source)) pieces.push({ kind: 'action', source, tokens: tokenize(source) });
    at = close + 2;
  }
}

/** Where `}}` is, outside of quotes. */
function endOfAction(template: string, from: number): number {
  const inside = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|\/\*[^]*?\*\/|\}\}/g;
  inside.lastIndex = from;
  for (let match = inside.exec(template); match !== null; match = inside.exec(template))
    if (match[0] === '}}') return match.index;
  throw templateError(`"{{" at character ${from - 2} is never closed`);
}

const tokenPattern =
  /\s+|((?:\.[A-Za-z_]\w*)+)|(\.)(?![\w.])|(\$\w*)((?:\.[A-Za-z_]\w*)*)|("(?:[^"\\\n]|\\.)*")|(`[^`]*`)|([+-]?\d+(?:\.\d+)?)(?![\w.])|([A-Za-z_]\w*)|(:=|[()|,=])/y;

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(tokenPattern);
  let afterSpace = true;
  for (let at = 0; at < source.length; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null) throw templateError(`${JSON.stringify(source.slice(at, at + 20))} is not understood`);
    const token = toToken(match, !afterSpace);
    if (token !== undefined) tokens.push(token);
    afterSpace = token === undefined;
  }
  return tokens;
}

function toToken(match: RegExpExecArray, glued: boolean): Token | undefined {
  const [, field, dot, variable, variablePath = '', quoted, raw, digits, word, mark] = match;
  if (field !== undefined) return { kind: 'field', path: field.slice(1).split('.'), glued };
  if (dot !== undefined) return { kind: 'field', path: [], glued };
  if (variable !== undefined)
    return { kind: 'variable', name: variable, path: variablePath === '' ? [] : variablePath.slice(1).split('.') };
  if (quoted !== undefined) return { kind: 'text', value: unquote(quoted) };
  if (raw !== undefined) return { kind: 'text', value: raw.slice(1, -1) };
  if (digits !== undefined) return { kind: 'number', value: Number(digits) };
  if (word !== undefined) return { kind: 'word', word };
  switch (mark) {
    case '(':
    case ')':
    case '|':
    case ',':
    case ':=':
    case '=':
      return { kind: 'mark', mark };
    default:
      return undefined;
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\', "'": "'" };

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)/g, (whole, code: string) => {
    if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const known = escapes[code];
    if (known === undefined) throw templateError(`the escape ${whole} is not known`);
    return known;
  });
}
