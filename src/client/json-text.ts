/**
 * JSON whose whole numbers keep all their digits: what a double cannot hold (nanosecond times, "unlimited" memory)
 * becomes a bigint, and goes back out as it came in.
 */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

const mayHaveBigNumber = /[0-9]{16}/;
const wholeNumber = /^-?[0-9]+$/;

/** Throws SyntaxError as JSON.parse does. */
export function parseJson(text: string): unknown {
  if (!mayHaveBigNumber.test(text)) return JSON.parse(text);
  return JSON.parse(text, keepDigits);
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return wholeNumber.test(source) ? BigInt(source) : value;
}

export function formatJson(value: unknown, indent = ''): string {
  return (
    JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? rawJson(part) : part), indent) ?? 'null'
  );
}

interface RawJson {
  rawJSON(text: string): unknown;
}

/** JSON.rawJSON is in V8 and not yet in TypeScript's library. */
function rawJson(value: bigint): unknown {
  return (JSON as unknown as RawJson).rawJSON(value.toString());
}
