import type { Nanoseconds } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { quoteName, type TarEntry, type TarEntryType } from '#/oci/tar-entry.ts';
import type { TarHeader } from '#/oci/tar-header.ts';
import { parseDecimal } from '#/oci/tar-number.ts';
import { parsePaxTime, xattrsOf, type PaxRecords } from '#/oci/tar-pax.ts';

/** What came before a header and speaks for it: PAX records, GNU long names. */
export interface Extensions {
  readonly pax: PaxRecords;
  readonly longName?: string;
  readonly longLinkName?: string;
}

const types: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hard-link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
};

/** Joins a header and its extensions to one entry; PAX records win over GNU's, those over the header. */
export function describeTarEntry(header: TarHeader, extensions: Extensions, size: number): TarEntry {
  const { pax } = extensions;
  const name = recordOf(pax, 'GNU.sparse.name') ?? recordOf(pax, 'path') ?? extensions.longName ?? header.name;
  const type = typeOf(header.type, name);
  const isLink = type === 'hard-link' || type === 'symlink';
  const id = (key: string, fallback: number): number => idOf(name, key, recordOf(pax, key), fallback);
  const isDevice = type === 'character-device' || type === 'block-device';
  return {
    type,
    name,
    linkName: isLink ? (recordOf(pax, 'linkpath') ?? extensions.longLinkName ?? header.linkName) : '',
    mode: header.mode & 0o7777,
    uid: id('uid', header.uid),
    gid: id('gid', header.gid),
    size: type === 'file' ? size : 0,
    modified: timeOf(name, recordOf(pax, 'mtime'), header.modified),
    deviceMajor: isDevice ? header.deviceMajor : 0,
    deviceMinor: isDevice ? header.deviceMinor : 0,
    xattrs: xattrsOf(pax),
  };
}

/** An empty record takes an earlier one back, so it says nothing here. */
function recordOf(pax: PaxRecords, key: string): string | undefined {
  const value = pax.get(key);
  return value === '' ? undefined : value;
}

/** Old archives mark directories by a slash alone. */
function typeOf(flag: string, name: string): TarEntryType {
  const type = types[flag];
  if (type === undefined) refuse(name, `its type ${JSON.stringify(flag)} is none that a file system can hold`);
  return type === 'file' && name.endsWith('/') ? 'directory' : type;
}

const maxId = 0xffff_fffe;

function idOf(name: string, key: string, record: string | undefined, fallback: number): number {
  const id = record === undefined ? fallback : parseDecimal(record);
  if (id === undefined || id < 0 || id > maxId)
    refuse(name, `its ${key} ${JSON.stringify(record ?? fallback)} is none`);
  return id;
}

/** Past these file systems and `struct timespec` give up. */
const maxSeconds = 0xffff_ffff_ffffn;

function timeOf(name: string, record: string | undefined, fallback: number): Nanoseconds {
  const time = record === undefined ? BigInt(fallback) * 1_000_000_000n : parsePaxTime(record);
  if (time === undefined || time > maxSeconds * 1_000_000_000n || time < -maxSeconds * 1_000_000_000n)
    refuse(name, `its time ${JSON.stringify(record ?? fallback)} is none`);
  return time;
}

function refuse(name: string, why: string): never {
  throw new EngineError('invalid-argument', `Cannot read the archive: entry ${quoteName(name)}: ${why}`);
}
