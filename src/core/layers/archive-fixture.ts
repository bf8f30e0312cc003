/** Archives for tests, made entry by entry. */
import { nameOf, type TarEntry } from '#/oci/tar-entry.ts';
import { encodeTarEntry, paddingAfter, tarEnd } from '#/oci/tar-writer.ts';

export interface Member extends Partial<Omit<TarEntry, 'size' | 'xattrs'>> {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly xattrs?: Readonly<Record<string, string | Uint8Array>>;
}

/** 2021-01-01, with nanoseconds that must survive. */
export const fixtureTime = 1_609_459_200_123_456_789n;

/** A member as blocks: a file unless it says another type. */
export function memberBlocks(member: Member): Buffer {
  const { content = '', xattrs = {}, type = 'file', name, linkName = '', ...rest } = member;
  const bytes = Buffer.from(content);
  const entry: TarEntry = {
    mode: type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    modified: fixtureTime,
    deviceMajor: 0,
    deviceMinor: 0,
    ...rest,
    type,
    name: nameOf(name),
    linkName: nameOf(linkName),
    size: bytes.length,
    xattrs: new Map(Object.entries(xattrs).map(([key, value]) => [key, Buffer.from(value)])),
  };
  return Buffer.concat([encodeTarEntry(entry), bytes, paddingAfter(bytes.length)]);
}

/** A whole archive; raw blocks go in as they are. */
export function archiveOf(...members: readonly (Member | Uint8Array)[]): Buffer {
  const blocks = members.map((member) => (member instanceof Uint8Array ? member : memberBlocks(member)));
  return Buffer.concat([...blocks, tarEnd]);
}

export const directory = (name: string, more: Partial<Member> = {}): Member => ({ name, type: 'directory', ...more });
export const symlink = (name: string, linkName: string): Member => ({ name, linkName, type: 'symlink' });
export const hardLink = (name: string, linkName: string): Member => ({ name, linkName, type: 'hard-link' });
