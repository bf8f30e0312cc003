import { templateError } from '#/cli/template/lexer.ts';
import { printValue } from '#/cli/template/values.ts';

const verb = /%([-+0 #]*)(\d{0,4})(?:\.(\d{1,4}))?(.)/gs;

/** Go's Printf with the verbs that formats use: v s q d x t f and %%. */
export function printf(format: string, values: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    verb,
    (whole, flags: string, width: string, precision: string | undefined, letter: string) => {
      if (letter === '%') return '%';
      if (next >= values.length) throw templateError(`"printf" has no value for "${whole}"`);
      const body = formatOne(letter, values[next++], precision === undefined ? undefined : Number(precision));
      const size = Number(width);
      if (flags.includes('-')) return body.padEnd(size);
      return flags.includes('0') && /^[-+]?[0-9]/.test(body) ? body.padStart(size, '0') : body.padStart(size);
    },
  );
  if (next < values.length) throw templateError(`"printf" has ${values.length - next} values too many`);
  return text;
}

function formatOne(letter: string, value: unknown, precision: number | undefined): string {
  switch (letter) {
    case 'v':
    case 's': {
      const text = printValue(value);
      return precision === undefined ? text : text.slice(0, precision);
    }
    case 'q':
      return JSON.stringify(printValue(value));
    case 't':
      if (typeof value === 'boolean') return String(value);
      break;
    case 'd':
      if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) return String(value);
      break;
    case 'x':
      if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value)))
        return value.toString(16);
      if (typeof value === 'string') return Buffer.from(value).toString('hex');
      break;
    case 'f':
      if (typeof value === 'number') return value.toFixed(precision ?? 6);
      break;
    default:
      throw templateError(`"printf" does not know "%${letter}"`);
  }
  throw templateError(`"printf" cannot print ${printValue(value)} with "%${letter}"`);
}
