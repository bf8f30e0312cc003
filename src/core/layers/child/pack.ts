import { constants, readSync, type BigIntStats } from 'node:fs';
import { EngineError } from '#/base/errors.ts';
import { changesBetween, type Change } from '#/core/layers/child/changes.ts';
import { describeEntryError } from '#/core/layers/child/entry-error.ts';
import { whiteoutPrefix } from '#/core/layers/child/entry-name.ts';
import { linkTarget } from '#/core/layers/child/file-status.ts';
import { openRegularFile } from '#/core/layers/child/open-regular-file.ts';
import { RingWriter, type Ring } from '#/core/layers/child/ring.ts';
import { readXattrs } from '#/core/layers/child/xattrs.ts';
import { nameOf, quoteName, type TarEntry, type TarEntryType } from '#/oci/tar-entry.ts';
import { encodeTarEntry, paddingAfter, tarEnd } from '#/oci/tar-writer.ts';

export interface PackChanges {
  readonly lower: string | undefined;
  readonly upper: string;
  /** No time in the archive is later, in nanoseconds. */
  readonly latest: bigint | undefined;
  /** Called for each change; may throw to stop. */
  readonly onChange: () => void;
}

/** Writes the difference of two trees to the ring, as a layer. Stops without a word when the ring is cancelled. */
export function packChanges(ring: Ring, { lower, upper, latest, onChange }: PackChanges): void {
  const packer = new Packer(ring, latest);
  try {
    for (const change of changesBetween(lower, upper)) {
      onChange();
      packer.add(change);
      if (ring.isCancelled) return;
    }
    packer.end();
  } catch (error) {
    ring.cancel();
    throw error;
  }
}

const blank: TarEntry = {
  type: 'file',
  name: '',
  linkName: '',
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  modified: 0n,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
};

const types: Readonly<Record<number, TarEntryType>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
  [constants.S_IFCHR]: 'character-device',
  [constants.S_IFBLK]: 'block-device',
  [constants.S_IFIFO]: 'fifo',
};

class Packer {
  readonly #output: RingWriter;
  readonly #latest: bigint | undefined;
  /** Names in the archive of inodes that have more than one. */
  readonly #links = new Map<string, string>();

  constructor(ring: Ring, latest: bigint | undefined) {
    this.#output = new RingWriter(ring);
    this.#latest = latest;
  }

  add(change: Change): void {
    try {
      if (change.kind === 'removed') this.#addWhiteout(change.name);
      else this.#addFile(change);
    } catch (error) {
      throw describeEntryError(change.name, error);
    }
  }

  end(): void {
    this.#output.write(tarEnd);
    this.#output.end();
  }

  #addWhiteout(name: string): void {
    const slash = name.lastIndexOf('/') + 1;
    const hidden = `${name.slice(0, slash)}${whiteoutPrefix}${name.slice(slash)}`;
    this.#output.write(encodeTarEntry({ ...blank, name: hidden, modified: this.#clamp(0n) }));
  }

  #addFile({ name, path, status }: Extract<Change, { kind: 'present' }>): void {
    refuseWhiteoutName(name);
    const entry = this.#describe(name, path, status);
    if (entry === undefined) return;
    if (entry.type !== 'file') return void this.#output.write(encodeTarEntry(entry));
    using file = openRegularFile(path);
    this.#output.write(encodeTarEntry({ ...entry, size: file.size }));
    this.#copy(file.fd, file.size, name);
    this.#output.write(paddingAfter(file.size));
  }

  #describe(name: string, path: string, status: BigIntStats): TarEntry | undefined {
    const type = types[Number(status.mode) & constants.S_IFMT];
    if (type === undefined) return undefined;
    const entry: TarEntry = {
      ...blank,
      type,
      name: name === '' ? './' : name,
      mode: Number(status.mode) & 0o7777,
      uid: Number(status.uid),
      gid: Number(status.gid),
      modified: this.#clamp(status.mtimeNs),
      ...(type.endsWith('-device') ? deviceOf(status.rdev) : {}),
    };
    const link = type === 'directory' ? undefined : this.#linkOf(name, status);
    if (link !== undefined) return { ...entry, type: 'hard-link', linkName: link };
    return { ...entry, linkName: type === 'symlink' ? linkTarget(path) : '', xattrs: xattrsOf(path) };
  }

  /** The name that the archive already has for the same inode. */
  #linkOf(name: string, { nlink, dev, ino }: BigIntStats): string | undefined {
    if (nlink < 2n) return undefined;
    const key = `${dev}:${ino}`;
    const first = this.#links.get(key);
    if (first === undefined) this.#links.set(key, name);
    return first;
  }

  #copy(fd: number, size: number, name: string): void {
    for (let left = size; left > 0;) {
      const space = this.#output.space();
      if (space === undefined) return;
      const count = readSync(fd, space, 0, Math.min(left, space.length), null);
      if (count === 0) throw new EngineError('aborted', `${quoteName(name)} became shorter while it was read`);
      this.#output.advance(count);
      left -= count;
    }
  }

  #clamp(time: bigint): bigint {
    return this.#latest !== undefined && time > this.#latest ? this.#latest : time;
  }
}

function xattrsOf(path: string): ReadonlyMap<string, Uint8Array> {
  return new Map(
    readXattrs(path)
      .entries()
      .map(([name, value]) => [nameOf(name), value]),
  );
}

function refuseWhiteoutName(name: string): void {
  if (name.slice(name.lastIndexOf('/') + 1).startsWith(whiteoutPrefix))
    throw new EngineError(
      'failed-precondition',
      `${quoteName(name)} cannot be put into a layer: a name that begins with "${whiteoutPrefix}" means a deletion there; rename it`,
    );
}

/** As glibc takes device numbers apart. */
function deviceOf(rdev: bigint): Pick<TarEntry, 'deviceMajor' | 'deviceMinor'> {
  return {
    deviceMajor: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n)),
    deviceMinor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)),
  };
}
