/** Archives that must be refused, each with what the error has to say. For tests. */
import type { ErrorKind } from '#/base/errors.ts';
import { archiveOf, directory, hardLink, memberBlocks, symlink } from '#/core/layers/archive-fixture.ts';
import { formatTarHeader, type TarHeader } from '#/oci/tar-header.ts';
import { paddingAfter } from '#/oci/tar-writer.ts';

export interface HostileArchive {
  readonly name: string;
  readonly archive: Uint8Array;
  readonly message: RegExp;
  /** Default `invalid-argument`. */
  readonly kind?: ErrorKind;
}

const plainHeader: TarHeader = {
  name: 'victim',
  linkName: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  modified: 0,
  type: '0',
  deviceMajor: 0,
  deviceMinor: 0,
};

/** A header block with fields of choice; `patch` may spoil its bytes before the checksum is made right again. */
export function rawHeader(fields: Partial<TarHeader>, patch: (block: Buffer) => void = () => {}): Buffer {
  const block = Buffer.from(formatTarHeader({ ...plainHeader, ...fields }));
  patch(block);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** An extended header (`x`, `g`, `L`, `K`) with any body. */
export function extension(type: string, body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body as string, 'latin1');
  return Buffer.concat([rawHeader({ name: 'extension', type, size: bytes.length }), bytes, paddingAfter(bytes.length)]);
}

/** A PAX record with a right length. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const digits = [1, 2, 3, 4, 5, 6].find((count) => String(rest.length + count).length === count) ?? 0;
  return `${rest.length + digits}${rest}`;
}

const withPax = (...records: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat([extension('x', records.map(([key, value]) => paxRecord(key, value)).join('')), rawHeader({})]);

const names: readonly HostileArchive[] = [
  {
    name: 'a name that climbs',
    archive: archiveOf({ name: '../victim' }),
    message: /"\.\.\/victim": its name has "\.\."/,
  },
  { name: 'a climb inside a name', archive: archiveOf({ name: 'a/../../victim' }), message: /its name has "\.\."/ },
  { name: 'a name that only climbs', archive: archiveOf(directory('..')), message: /its name has "\.\."/ },
  { name: 'a climb that ends inside', archive: archiveOf({ name: 'a/..' }), message: /its name has "\.\."/ },
  { name: 'an absolute climb', archive: archiveOf({ name: '/../victim' }), message: /its name has "\.\."/ },
  { name: 'a climb in a PAX path', archive: archiveOf(withPax(['path', '../victim'])), message: /its name has "\.\."/ },
  {
    name: 'a climb in a GNU long name',
    archive: archiveOf(extension('L', '../victim\0'), rawHeader({})),
    message: /"\.\."/,
  },
  { name: 'a climbing whiteout', archive: archiveOf({ name: '../.wh.victim' }), message: /its name has "\.\."/ },
  {
    name: 'a whiteout of its parent',
    archive: archiveOf({ name: 'a/.wh...' }),
    message: /deletes nothing that has a name/,
  },
  { name: 'a whiteout of its directory', archive: archiveOf({ name: 'a/.wh..' }), message: /deletes nothing/ },
  { name: 'a whiteout without a name', archive: archiveOf({ name: '.wh.' }), message: /deletes nothing/ },
  { name: 'a way through a whiteout', archive: archiveOf({ name: '.wh.a/b' }), message: /begins with "\.wh\."/ },
  { name: 'no name', archive: archiveOf(rawHeader({ name: '' })), message: /its name is empty/ },
  { name: 'a NUL in a PAX path', archive: archiveOf(withPax(['path', 'vic\0tim'])), message: /NUL in "path"/ },
  { name: 'a NUL in a PAX linkpath', archive: archiveOf(withPax(['linkpath', 'vic\0tim'])), message: /NUL/ },
  {
    name: 'a path that is too long',
    archive: archiveOf({ name: 'abcdefg/'.repeat(600) }),
    message: /4800 bytes|480\d bytes/,
  },
  { name: 'a part that is too long', archive: archiveOf({ name: 'n'.repeat(256) }), message: /more than 255 bytes/ },
  {
    name: 'a root that is a file',
    archive: archiveOf({ name: './', type: 'symlink', linkName: '/etc' }),
    message: /root cannot be/,
  },
];

const links: readonly HostileArchive[] = [
  {
    name: 'a hard link that climbs',
    archive: archiveOf(hardLink('victim', '../../etc/passwd')),
    message: /its link has "\.\."/,
  },
  {
    name: 'a hard link to nothing',
    archive: archiveOf(hardLink('victim', 'missing')),
    message: /hard link to missing/,
  },
  {
    name: 'a hard link into nothing',
    archive: archiveOf(hardLink('victim', 'no/such/file')),
    message: /does not exist/,
  },
  {
    name: 'a hard link to a directory',
    archive: archiveOf(directory('d'), hardLink('victim', 'd')),
    message: /to a directory/,
  },
  { name: 'a hard link to the root', archive: archiveOf(hardLink('victim', '/')), message: /does not exist/ },
  { name: 'a hard link without a target', archive: archiveOf(hardLink('victim', '')), message: /its link is empty/ },
  {
    name: 'a hard link to its own parent',
    archive: archiveOf({ name: 'a/b' }, hardLink('a', 'a/b')),
    message: /victim|"a"/,
  },
  { name: 'a symbolic link without a target', archive: archiveOf(symlink('victim', '')), message: /link to nothing/ },
  {
    name: 'a symbolic link that is too long',
    archive: archiveOf(symlink('victim', 'x'.repeat(5000))),
    message: /ENAMETOOLONG/,
  },
  {
    name: 'a loop of links',
    archive: archiveOf(symlink('a', 'b'), symlink('b', 'a'), { name: 'a/victim' }),
    message: /too many symbolic links/,
  },
  {
    name: 'a way through a file',
    archive: archiveOf({ name: 'file' }, { name: 'file/victim' }),
    message: /not a directory/,
  },
  {
    name: 'a way through a link to a file',
    archive: archiveOf({ name: 'file' }, symlink('link', 'file'), { name: 'link/victim' }),
    message: /not a directory/,
  },
];

const device = { name: 'victim', type: 'character-device' } as const;
const binarySize = (first: number, rest: number) => (block: Buffer) =>
  void block.fill(rest, 124, 136).writeUInt8(first, 124);

const headers: readonly HostileArchive[] = [
  {
    name: 'a wrong checksum',
    archive: archiveOf(memberBlocks({ name: 'victim' }).fill('9', 0, 1)),
    message: /wrong checksum/,
  },
  { name: 'no archive at all', archive: Buffer.alloc(2048, 'This is a text. '), message: /wrong checksum/ },
  { name: 'a negative size', archive: rawHeader({}, binarySize(0xff, 0xff)), message: /it has a size of -1/ },
  {
    name: 'a size beyond numbers',
    archive: rawHeader({}, binarySize(0xbf, 0xff)),
    message: /no number in the field "size"/,
  },
  {
    name: 'a size that is no number',
    archive: rawHeader({}, (block) => void block.write('12x', 124)),
    message: /no number/,
  },
  {
    name: 'a size beyond the archive',
    archive: rawHeader({ size: 0o77777777777 }),
    message: /cut off inside "victim"/,
  },
  { name: 'a huge size', archive: rawHeader({}, binarySize(0x80, 0x06)), message: /no number/ },
  { name: 'a negative PAX size', archive: withPax(['size', '-5']), message: /"size" is "-5"/ },
  { name: 'an overflowing PAX size', archive: withPax(['size', '99999999999999999999']), message: /"size" is/ },
  {
    name: 'an archive cut inside a file',
    archive: memberBlocks({ name: 'victim', content: 'x'.repeat(2000), modified: 0n }).subarray(0, 1500),
    message: /cut off inside "victim"/,
  },
  {
    name: 'an archive cut inside a header',
    archive: memberBlocks({ name: 'victim' }).subarray(0, 300),
    message: /cut off inside a header/,
  },
  { name: 'an archive cut after an extension', archive: extension('L', 'name\0'), message: /cut off inside a header/ },
  { name: 'an owner beyond numbers', archive: withPax(['uid', '4294967295']), message: /its uid "4294967295"/ },
  { name: 'a negative owner', archive: withPax(['gid', '-1']), message: /its gid "-1"/ },
  { name: 'a time beyond numbers', archive: withPax(['mtime', '999999999999999999']), message: /its time/ },
  { name: 'a time that is none', archive: withPax(['mtime', 'noon']), message: /its time "noon"/ },
  { name: 'an unknown type', archive: rawHeader({ type: 'V' }), message: /its type "V"/ },
  { name: 'device 0:0', archive: archiveOf(device), message: /no device 0:0/ },
  {
    name: 'a device beyond numbers',
    archive: archiveOf({ ...device, deviceMajor: 5000 }),
    message: /no device 5000:0/,
  },
];

const extensions: readonly HostileArchive[] = [
  {
    name: 'an extended header of a gigabyte',
    archive: rawHeader({ type: 'x', size: 2 ** 30 }),
    message: /over the limit/,
  },
  { name: 'a long name of a gigabyte', archive: rawHeader({ type: 'L', size: 2 ** 30 }), message: /over the limit/ },
  { name: 'a PAX record without a length', archive: extension('x', 'path=victim\n'), message: /without a length/ },
  { name: 'a PAX record that is too long', archive: extension('x', '99 path=victim\n'), message: /of a wrong length/ },
  { name: 'a PAX record that is too short', archive: extension('x', '2 path=victim\n'), message: /of a wrong length/ },
  { name: 'a PAX record without a key', archive: extension('x', '5 =v\n'), message: /without a key/ },
  {
    name: 'a sparse map out of order',
    archive: withPax(['GNU.sparse.size', '100'], ['GNU.sparse.map', '50,0,10,0']),
    message: /out of order/,
  },
  {
    name: 'a sparse map beyond the file',
    archive: withPax(['GNU.sparse.size', '10'], ['GNU.sparse.map', '50,0']),
    message: /reaches to byte 50/,
  },
  {
    name: 'a sparse map that counts wrong',
    archive: withPax(['GNU.sparse.size', '99'], ['GNU.sparse.map', '0,50']),
    message: /counts 50 bytes/,
  },
  {
    name: 'a sparse map of one number',
    archive: withPax(['GNU.sparse.size', '99'], ['GNU.sparse.map', '0']),
    message: /pairs/,
  },
  { name: 'a sparse map without a size', archive: withPax(['GNU.sparse.map', '0,0']), message: /size of the file/ },
  {
    name: 'a sparse map that never ends',
    archive: Buffer.concat([
      extension('x', paxRecord('GNU.sparse.major', '1') + paxRecord('GNU.sparse.realsize', '9')),
      rawHeader({ size: 5120 }),
      Buffer.alloc(5120, '9'),
    ]),
    message: /line that is too long|where a number belongs/,
  },
  {
    name: 'a sparse map longer than its entry',
    archive: Buffer.concat([
      extension('x', paxRecord('GNU.sparse.major', '1') + paxRecord('GNU.sparse.realsize', '9')),
      rawHeader({ size: 512 }),
      Buffer.from(`1000\n${'0\n'.repeat(600)}`.padEnd(1536, '\0')),
    ]),
    message: /longer than the entry/,
  },
  {
    name: 'an old sparse map of endless blocks',
    archive: rawHeader({ type: 'S' }, (block) => void block.fill('1', 482, 494)),
    message: /cut off inside a header/,
  },
  {
    name: 'an attribute that is too large',
    archive: archiveOf({ name: 'victim', xattrs: { 'user.big': 'x'.repeat(70_000) } }),
    message: /E2BIG/,
  },
];

export const hostileArchives: readonly HostileArchive[] = [...names, ...links, ...headers, ...extensions];
