import { EngineError } from '#/base/errors.ts';

/** What a template may ask for: a value, or one that takes a text. */
export type TemplateValues = Readonly<Record<string, string | ((argument: string) => string)>>;

/**
 * Fills `{{id}}` and `{{annotation "key"}}` into a text: the part of Go's templates that containerd's OCI hooks use,
 * with its trimming `{{-` and `-}}`. Throws `invalid-argument` for anything else of that language.
 */
export function fillTemplate(text: string, values: TemplateValues): string {
  let filled = '';
  let at = 0;
  for (let open = text.indexOf('{{'); open !== -1; open = text.indexOf('{{', at)) {
    const close = text.indexOf('}}', open);
    if (close === -1) throw wrong(text, 'an action is not closed');
    let before = text.slice(at, open);
    const action = text.slice(open + 2, close);
    if (/^-\s/.test(action)) before = before.trimEnd();
    filled += before + evaluate(action.replace(/^-\s|\s-$/g, '').trim(), text, values);
    at = close + 2;
    if (/\s-$/.test(action)) at = text.length - text.slice(at).trimStart().length;
  }
  return filled + text.slice(at);
}

function evaluate(action: string, text: string, values: TemplateValues): string {
  if (/^\/\*.*\*\/$/s.test(action)) return '';
  const match = /^(\w+)(?:\s+("(?:[^"\\]|\\.)*"|`[^`]*`))?$/.exec(action);
  const [, name = '', argument] = match ?? [];
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined) throw wrong(text, `"${action}" is not known`);
  if (typeof value === 'string') {
    if (argument === undefined) return value;
    throw wrong(text, `"${name}" takes no argument`);
  }
  if (argument === undefined) throw wrong(text, `"${name}" takes one text`);
  return value(unquote(argument, text));
}

function unquote(quoted: string, text: string): string {
  if (quoted.startsWith('`')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw wrong(text, `${quoted} is no text`);
  }
}

const wrong = (text: string, why: string): EngineError =>
  new EngineError('invalid-argument', `Cannot fill the template "${text}": ${why}`);
