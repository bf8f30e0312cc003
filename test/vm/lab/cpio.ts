/** The kernel's archive format for an initramfs ("newc"). */

export interface CpioEntry {
  readonly name: string;
  readonly mode: number;
  readonly data: Uint8Array;
}

export const directoryEntry = (name: string): CpioEntry => ({ name, mode: 0o040755, data: new Uint8Array() });
export const programEntry = (name: string, data: Uint8Array): CpioEntry => ({ name, mode: 0o100755, data });
export const symlinkEntry = (name: string, target: string): CpioEntry => ({
  name,
  mode: 0o120777,
  data: Buffer.from(target),
});

export function packCpio(entries: readonly CpioEntry[]): Buffer {
  const all = [...entries, { name: 'TRAILER!!!', mode: 0, data: new Uint8Array() }];
  return Buffer.concat(all.flatMap((entry, index) => packEntry(entry, index + 1)));
}

function packEntry({ name, mode, data }: CpioEntry, inode: number): Uint8Array[] {
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`);
  return [head, paddingAfter(head.length), data, paddingAfter(data.length)];
}

const paddingAfter = (length: number): Uint8Array => new Uint8Array((4 - (length % 4)) % 4);
