/**
 * Numbers of header fields: octal text, or with the top bit set a binary number of the field's width (the base-256
 * extension of GNU tar and star), which may be negative. Undefined when the field is neither, or not a safe integer.
 */
export function parseTarNumber(field: Uint8Array): number | undefined {
  const first = field[0] ?? 0;
  return first >= 0x80 ? parseBinary(field) : parseOctal(field);
}

function parseBinary(field: Uint8Array): number | undefined {
  const negative = ((field[0] ?? 0) & 0x40) !== 0;
  let value = BigInt((field[0] ?? 0) & 0x7f);
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  if (negative) value -= 1n << BigInt(field.length * 8 - 1);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0;

/** Digits between blanks; what follows the blank behind them is ignored. An empty field is 0. */
function parseOctal(field: Uint8Array): number | undefined {
  let index = 0;
  while (index < field.length && isBlank(field[index])) index++;
  let value = 0;
  for (; index < field.length && !isBlank(field[index]); index++) {
    const digit = (field[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return value;
}

/** Writes octal digits and a NUL, or base-256 where they do not fit. */
export function writeTarNumber(field: Uint8Array, value: number): void {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < field.length) {
    const text = digits.padStart(field.length - 1, '0');
    for (let index = 0; index < text.length; index++) field[index] = text.charCodeAt(index);
    field[field.length - 1] = 0;
    return;
  }
  let rest = BigInt(value);
  for (let index = field.length - 1; index >= 0; index--) {
    field[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  field[0] = (field[0] ?? 0) | 0x80;
}

/** A whole decimal number, as PAX records have them; undefined for anything else. */
export function parseDecimal(text: string): number | undefined {
  if (!/^-?\d{1,16}$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}
