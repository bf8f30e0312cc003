import { formatTarHeader, splitUstarName, ustarLimits, type TarHeader } from '#/oci/tar-header.ts';
import { tarBlockSize, tarPadding, type TarEntry, type TarEntryType } from '#/oci/tar-entry.ts';
import { formatPaxRecords, formatPaxTime, setXattrRecord } from '#/oci/tar-pax.ts';

const flags: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  'hard-link': '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};

/** Two blocks of zeros end an archive. */
export const tarEnd: Uint8Array = new Uint8Array(2 * tarBlockSize);

/**
 * The header blocks of an entry: a ustar header, with a PAX header before it when that cannot say everything. A file's
 * `size` bytes must follow, then `paddingAfter(size)`. Directory names get the slash that readers expect.
 */
export function encodeTarEntry(entry: TarEntry): Uint8Array {
  const name = entry.type === 'directory' && !entry.name.endsWith('/') ? `${entry.name}/` : entry.name;
  const seconds = floorSeconds(entry.modified);
  const header: TarHeader = {
    name,
    linkName: entry.linkName,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size,
    modified: seconds,
    type: flags[entry.type],
    deviceMajor: entry.deviceMajor,
    deviceMinor: entry.deviceMinor,
  };
  const records = recordsBeside(entry, header);
  return records.size === 0
    ? formatTarHeader(header)
    : Buffer.concat([...extensionBlocks(header, records), formatTarHeader(fitted(header, records))]);
}

export function paddingAfter(size: number): Uint8Array {
  return tarEnd.subarray(0, tarPadding(size));
}

function floorSeconds(time: bigint): number {
  const seconds = time / 1_000_000_000n;
  return Number(time < 0n && seconds * 1_000_000_000n !== time ? seconds - 1n : seconds);
}

/** What the ustar header has no room for. */
function recordsBeside(entry: TarEntry, header: TarHeader): Map<string, string> {
  const records = new Map<string, string>();
  if (splitUstarName(header.name) === undefined) records.set('path', header.name);
  if (header.linkName.length > ustarLimits.linkName) records.set('linkpath', header.linkName);
  if (header.uid > ustarLimits.id) records.set('uid', String(header.uid));
  if (header.gid > ustarLimits.id) records.set('gid', String(header.gid));
  if (header.size > ustarLimits.size) records.set('size', String(header.size));
  const isWhole = entry.modified % 1_000_000_000n === 0n;
  if (!isWhole || header.modified < 0 || header.modified > ustarLimits.modified)
    records.set('mtime', formatPaxTime(entry.modified));
  for (const [name, value] of entry.xattrs) setXattrRecord(records, name, value);
  return records;
}

/** What a PAX record says is left out of the header where it does not fit, as other readers would misread it. */
function fitted(header: TarHeader, records: ReadonlyMap<string, string>): TarHeader {
  const inHeader = (key: string, value: number, limit: number): number =>
    records.has(key) && (value > limit || value < 0) ? 0 : value;
  return {
    ...header,
    name: records.has('path') ? shortName(header.name) : header.name,
    uid: inHeader('uid', header.uid, ustarLimits.id),
    gid: inHeader('gid', header.gid, ustarLimits.id),
    size: inHeader('size', header.size, ustarLimits.size),
    modified: inHeader('mtime', header.modified, ustarLimits.modified),
  };
}

/** A name for programs that do not know PAX; a directory keeps the slash at its end. */
function shortName(name: string): string {
  const end = name.endsWith('/') ? '/' : '';
  const base = name.slice(name.lastIndexOf('/', name.length - 2) + 1, name.length - end.length);
  return base.slice(0, ustarLimits.name - end.length) + end;
}

function* extensionBlocks(header: TarHeader, records: ReadonlyMap<string, string>): Generator<Uint8Array> {
  const body = formatPaxRecords(records);
  const name = `PaxHeaders.0/${shortName(header.name)}`.slice(0, ustarLimits.name).replace(/\/$/, '');
  yield formatTarHeader({
    ...header,
    name,
    linkName: '',
    type: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    modified: 0,
    deviceMajor: 0,
    deviceMinor: 0,
  });
  yield body;
  yield paddingAfter(body.length);
}
