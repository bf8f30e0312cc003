import type { Nanoseconds } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { byteString } from '#/oci/tar-entry.ts';

/** Records of a PAX extended header by key; values are byte strings. A key that occurs twice keeps its last value. */
export type PaxRecords = ReadonlyMap<string, string>;

function refuse(why: string): never {
  throw new EngineError('invalid-argument', `Cannot read the archive: a PAX header ${why}`);
}

/**
 * Reads `length key=value\n` records (POSIX pax, "Extended Header"). GNU's sparse format 0.0 says its map by repeated
 * keys; `onSparse` hears those in order.
 */
export function parsePaxRecords(body: Uint8Array, onSparse?: (key: string, value: string) => void): PaxRecords {
  const records = new Map<string, string>();
  const text = byteString(body);
  for (let offset = 0; offset < text.length;) {
    const space = text.indexOf(' ', offset);
    const digits = text.slice(offset, space);
    if (space < 0 || !/^\d{1,7}$/.test(digits)) refuse('has a record without a length');
    const end = offset + Number(digits);
    if (end > text.length || end <= space || text[end - 1] !== '\n') refuse('has a record of a wrong length');
    const record = text.slice(space + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals <= 0) refuse('has a record without a key');
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (!mayHoldNul(key) && value.includes('\0')) refuse(`has a NUL in "${key}"`);
    if (onSparse !== undefined && (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')) onSparse(key, value);
    records.set(key, value);
    offset = end;
  }
  return records;
}

const schilyXattr = 'SCHILY.xattr.';
const libarchiveXattr = 'LIBARCHIVE.xattr.';

function mayHoldNul(key: string): boolean {
  return key.startsWith(schilyXattr);
}

/** Extended attributes in the records: star's raw form, and libarchive's with a quoted name and base64. */
export function xattrsOf(records: PaxRecords): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  for (const [key, value] of records) {
    if (key.startsWith(libarchiveXattr)) {
      const name = unquote(key.slice(libarchiveXattr.length));
      if (!xattrs.has(name)) xattrs.set(name, Buffer.from(value, 'base64'));
    } else if (key.startsWith(schilyXattr)) {
      xattrs.set(key.slice(schilyXattr.length), Buffer.from(value, 'latin1'));
    }
  }
  return xattrs;
}

function unquote(name: string): string {
  return name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const paxTime = /^(-?)(\d{1,15})(?:\.(\d*))?$/;

/** Decimal seconds, with as many places as the archive has; what is finer than a nanosecond is cut. */
export function parsePaxTime(text: string): Nanoseconds | undefined {
  const match = paxTime.exec(text);
  if (match === null) return undefined;
  const [, sign = '', seconds = '', fraction = ''] = match;
  const size = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -size : size;
}

export function formatPaxTime(time: Nanoseconds): string {
  const size = time < 0n ? -time : time;
  const fraction = (size % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${time < 0n ? '-' : ''}${size / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The body of an extended header; keys and values are byte strings. */
export function formatPaxRecords(records: PaxRecords): Uint8Array {
  return Buffer.from([...records].map(([key, value]) => formatRecord(key, value)).join(''), 'latin1');
}

/** The length counts itself. */
function formatRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

export function setXattrRecord(records: Map<string, string>, name: string, value: Uint8Array): void {
  records.set(schilyXattr + name, byteString(value));
}
