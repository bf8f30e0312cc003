import { EngineError } from '#/base/errors.ts';
import { byteString, quoteName, tarBlockSize } from '#/oci/tar-entry.ts';
import { parseTarNumber, writeTarNumber } from '#/oci/tar-number.ts';

/** One header block as it stands: POSIX ustar, GNU, star or the old Unix format. */
export interface TarHeader {
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly modified: number;
  readonly type: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** Places of the fields in a header block: offset and length. */
const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  modified: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  userName: [265, 32],
  groupName: [297, 32],
  deviceMajor: [329, 8],
  deviceMinor: [337, 8],
  prefix: [345, 155],
  starPrefix: [345, 131],
  starTrailer: [508, 4],
} as const satisfies Record<string, readonly [offset: number, length: number]>;

type Field = keyof typeof fields;

function fieldOf(block: Uint8Array, field: Field): Uint8Array {
  const [offset, length] = fields[field];
  return block.subarray(offset, offset + length);
}

/** Text up to the first NUL, one character per byte. */
export function textUntilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return byteString(end < 0 ? bytes : bytes.subarray(0, end));
}

const textOf = (block: Uint8Array, field: Field): string => textUntilNul(fieldOf(block, field));

export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** The sum counts the checksum field as spaces; some old programs summed signed bytes. */
function checksums(block: Uint8Array): readonly [unsigned: number, signed: number] {
  const [start, length] = fields.checksum;
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < tarBlockSize; index++) {
    const byte = index >= start && index < start + length ? 0x20 : (block[index] ?? 0);
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return [unsigned, signed];
}

function checkChecksum(block: Uint8Array): void {
  const stated = parseTarNumber(fieldOf(block, 'checksum'));
  if (stated !== undefined && checksums(block).includes(stated)) return;
  throw new EngineError('invalid-argument', 'Cannot read the archive: a header has a wrong checksum');
}

/** Reads a header block that is not all zeros. Throws `invalid-argument`. */
export function parseTarHeader(block: Uint8Array): TarHeader {
  checkChecksum(block);
  const magic = byteString(fieldOf(block, 'magic'));
  const posix = magic.startsWith('ustar\0');
  const gnu = magic.startsWith('ustar ');
  const star = posix && textOf(block, 'starTrailer') === 'tar';
  const prefix = posix ? textOf(block, star ? 'starPrefix' : 'prefix') : '';
  const name = textOf(block, 'name');
  const number = (field: Field): number => parseTarNumber(fieldOf(block, field)) ?? refuseNumber(name, field);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: textOf(block, 'linkName'),
    mode: number('mode'),
    uid: number('uid'),
    gid: number('gid'),
    size: number('size'),
    modified: number('modified'),
    type: String.fromCharCode(block[fields.type[0]] ?? 0),
    deviceMajor: posix || gnu ? number('deviceMajor') : 0,
    deviceMinor: posix || gnu ? number('deviceMinor') : 0,
  };
}

function refuseNumber(name: string, field: Field): never {
  throw new EngineError(
    'invalid-argument',
    `Cannot read the archive: the header of ${quoteName(name)} has no number in the field "${field}"`,
  );
}

/** What ustar's octal fields and name fields can hold; anything else needs a PAX record beside the header. */
export const ustarLimits = { name: 100, linkName: 100, id: 0o7777777, size: 0o77777777777, modified: 0o77777777777 };

/** Splits a long name at a slash into ustar's prefix and name; undefined when it does not fit. */
export function splitUstarName(name: string): readonly [prefix: string, name: string] | undefined {
  if (name.length <= ustarLimits.name) return ['', name];
  const [, longestPrefix] = fields.prefix;
  const slash = name.lastIndexOf('/', Math.min(longestPrefix, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > ustarLimits.name) return undefined;
  return [name.slice(0, slash), name.slice(slash + 1)];
}

/** Writes a ustar header. Names longer than their fields are cut; a PAX record must then carry the whole. */
export function formatTarHeader(header: TarHeader): Uint8Array {
  const block = Buffer.alloc(tarBlockSize);
  const [prefix, name] = splitUstarName(header.name) ?? ['', header.name];
  const text = (field: Field, value: string): void =>
    void block.write(value, fields[field][0], fields[field][1], 'latin1');
  text('prefix', prefix);
  text('name', name);
  text('linkName', header.linkName);
  text('type', header.type);
  text('magic', 'ustar\x0000');
  for (const field of ['mode', 'uid', 'gid', 'size', 'modified', 'deviceMajor', 'deviceMinor'] as const)
    writeTarNumber(fieldOf(block, field), header[field]);
  const [sum] = checksums(block);
  text('checksum', `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}
