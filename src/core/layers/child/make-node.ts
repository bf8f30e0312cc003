import { constants } from 'node:fs';
import { refuseEntry } from '#/core/layers/child/entry-name.ts';
import { mkfifoSync, mknodSync } from '#/linux/mknod.ts';
import { hardLink, lchownMode, makeSymlink, type Attributes } from '#/linux/untar.ts';
import { encodeName, type TarEntry } from '#/oci/tar-entry.ts';

/** What the kernel's device numbers hold. */
const maxMajor = 0xfff;
const maxMinor = 0xfffff;

/** Makes an entry that is neither a file nor a directory. EEXIST when anything is there. */
export function makeNode(entry: TarEntry, path: string, attributes: Attributes, linkPath: string): void {
  const place = encodeName(path);
  switch (entry.type) {
    case 'symlink':
      if (entry.linkName === '') refuseEntry(entry.name, 'it is a symbolic link to nothing');
      return makeSymlink(encodeName(entry.linkName), place, attributes);
    case 'hard-link':
      return hardLink(encodeName(linkPath), place);
    case 'fifo':
      mkfifoSync(place, attributes.mode);
      return lchownMode(place, attributes);
    case 'character-device':
    case 'block-device':
      mknodSync(place, deviceMode(entry), deviceOf(entry));
      return lchownMode(place, attributes);
    case 'file':
    case 'directory':
      throw new TypeError(`makeNode cannot make a ${entry.type}`);
  }
}

function deviceMode(entry: TarEntry): number {
  return entry.mode | (entry.type === 'character-device' ? constants.S_IFCHR : constants.S_IFBLK);
}

function deviceOf({ name, type, deviceMajor: major, deviceMinor: minor }: TarEntry): {
  readonly major: number;
  readonly minor: number;
} {
  if (major < 0 || major > maxMajor || minor < 0 || minor > maxMinor)
    refuseEntry(name, `there is no device ${major}:${minor}`);
  // To overlayfs this device is a whiteout; archives say those by names.
  if (type === 'character-device' && major === 0 && minor === 0) refuseEntry(name, 'there is no device 0:0');
  return { major, minor };
}
