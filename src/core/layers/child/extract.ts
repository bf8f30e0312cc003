import { EngineError, errnoOf } from '#/base/errors.ts';
import { describeEntryError } from '#/core/layers/child/entry-error.ts';
import { placeOf, refuseEntry, splitEntryName, type EntryPlace } from '#/core/layers/child/entry-name.ts';
import { FileContent } from '#/core/layers/child/file-content.ts';
import { isDirectory, statusOf } from '#/core/layers/child/file-status.ts';
import { makeNode } from '#/core/layers/child/make-node.ts';
import { markHidden, markOpaque } from '#/core/layers/child/overlay-marks.ts';
import { hideAll, hideName, removeTree } from '#/core/layers/child/removal.ts';
import { pathIn, touch, Tree, type Directory } from '#/core/layers/child/tree.ts';
import { travels } from '#/core/layers/child/xattr-policy.ts';
import { lutimesSync } from '#/linux/times.ts';
import { lchownMode, makeDirectory, type Attributes } from '#/linux/untar.ts';
import { lsetxattrSync } from '#/linux/xattr.ts';
import { decodeName, encodeName, type TarEntry } from '#/oci/tar-entry.ts';
import type { TarEvent } from '#/oci/tar-reader.ts';

export interface ExtractorOptions {
  /** Entries, and directories that they need, after which an archive is refused. */
  readonly maxEntries: number;
  /** The tree is an upper layer alone: what it hides is marked for overlayfs. */
  readonly marks: boolean;
  /** Hears what was left out. */
  readonly warn: (message: string) => void;
}

/**
 * Makes what an archive lists in the tree at `/`, which is what the process is chrooted into. Whiteouts remove what the
 * tree had before; an entry replaces what has its name, except for a directory over a directory, which are merged.
 */
export class Extractor {
  readonly #options: ExtractorOptions;
  readonly #tree: Tree;
  #entries = 0;
  #name = '';
  /** The file whose content comes. */
  #content: FileContent | undefined;

  constructor(options: ExtractorOptions) {
    this.#options = options;
    this.#tree = new Tree({ onMade: () => this.#count(), marks: options.marks });
  }

  take(event: TarEvent): void {
    try {
      switch (event.kind) {
        case 'entry':
          this.#name = event.entry.name;
          return this.#begin(event.entry);
        case 'data':
          return this.#content?.write(event.offset, event.bytes);
        case 'end':
          return this.#end();
      }
    } catch (error) {
      throw describeEntryError(this.#name, error);
    }
  }

  /** Gives directories the times that they have in the end. */
  finish(): void {
    this.#settle(this.#tree.root);
  }

  /** Closes what a failure has left open. */
  abandon(): void {
    this.#content?.abandon();
  }

  #count(): void {
    if (++this.#entries > this.#options.maxEntries)
      throw new EngineError('resource-exhausted', `it has more than ${this.#options.maxEntries} entries`);
  }

  #begin(entry: TarEntry): void {
    this.#count();
    const place = placeOf(entry.name);
    switch (place.kind) {
      case 'ignored':
        return;
      case 'root':
        return this.#beRoot(entry);
      case 'opaque':
      case 'whiteout':
        return this.#options.marks ? this.#mark(place, entry) : this.#remove(place, entry);
      case 'node':
        return this.#make(entry, this.#tree.enter(place.parent, entry.name), place.base);
    }
  }

  #end(): void {
    const content = this.#content;
    this.#content = undefined;
    if (content === undefined) return;
    content.finish();
    this.#setXattrs(content.entry, content.path);
  }

  #beRoot(entry: TarEntry): void {
    if (entry.type !== 'directory') refuseEntry(entry.name, `the root cannot be a ${entry.type}`);
    lchownMode('/', attributesOf(entry));
    this.#setXattrs(entry, '/');
    this.#tree.root.time = entry.modified;
  }

  #remove(place: Extract<EntryPlace, { kind: 'opaque' | 'whiteout' }>, entry: TarEntry): void {
    const directory = this.#tree.find(place.parent, entry.name);
    if (directory === undefined) return;
    if (place.kind === 'whiteout') hideName(this.#tree, directory, place.base);
    else hideAll(this.#tree, directory);
  }

  #mark(place: Extract<EntryPlace, { kind: 'opaque' | 'whiteout' }>, entry: TarEntry): void {
    const directory = this.#tree.enter(place.parent, entry.name);
    if (place.kind === 'opaque' && directory === this.#tree.root)
      refuseEntry(
        entry.name,
        'it hides all layers below, which cannot be said without them; unpack it onto its parent',
      );
    touch(directory);
    if (place.kind === 'opaque') markOpaque(directory.path);
    else markHidden(pathIn(directory, place.base));
  }

  #make(entry: TarEntry, directory: Directory, base: string): void {
    touch(directory);
    if (!directory.fresh) directory.put.add(base);
    const path = pathIn(directory, base);
    if (entry.type === 'directory') return this.#makeDirectory(entry, directory, base);
    if (entry.type === 'file') {
      const clear = (): void => this.#clear(directory, base);
      this.#content = new FileContent(entry, path, attributesOf(entry), clear);
      return;
    }
    const linkPath = entry.type === 'hard-link' ? this.#linkPathOf(entry) : '';
    try {
      makeNode(entry, path, attributesOf(entry), linkPath);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      if (linkPath !== '' && isSameFile(linkPath, path)) return;
      this.#clear(directory, base);
      makeNode(entry, path, attributesOf(entry), linkPath);
    }
    if (entry.type !== 'hard-link') this.#setXattrs(entry, path);
  }

  /** Removes what an entry replaces. */
  #clear(directory: Directory, base: string): void {
    removeTree(pathIn(directory, base));
    this.#tree.forget(directory, base);
  }

  #makeDirectory(entry: TarEntry, parent: Directory, base: string): void {
    const path = pathIn(parent, base);
    const attributes = attributesOf(entry);
    let fresh = true;
    try {
      makeDirectory(encodeName(path), attributes);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      const status = statusOf(path);
      fresh = status === undefined || !isDirectory(status.mode);
      if (fresh) this.#replaceByDirectory(parent, base, attributes);
      else lchownMode(encodeName(path), attributes);
    }
    this.#tree.adopt(parent, base, fresh).time = entry.modified;
    this.#setXattrs(entry, path);
  }

  /** What was hidden, or a file, below stays so under the new directory. */
  #replaceByDirectory(parent: Directory, base: string, attributes: Attributes): void {
    const path = pathIn(parent, base);
    this.#clear(parent, base);
    makeDirectory(encodeName(path), attributes);
    if (this.#options.marks) markOpaque(path);
  }

  /** What a hard link is a name of: inside the root, there already, and not followed if it is a symbolic link. */
  #linkPathOf(entry: TarEntry): string {
    const segments = splitEntryName(entry.linkName, 'its link', entry.name);
    const base = segments.at(-1);
    const directory = this.#tree.find(segments.slice(0, -1), entry.name);
    const path = directory === undefined || base === undefined ? undefined : pathIn(directory, base);
    const status = path === undefined ? undefined : statusOf(path);
    if (path === undefined || status === undefined)
      return refuseEntry(entry.name, `it is a hard link to ${decodeName(entry.linkName)}, which does not exist`);
    if (isDirectory(status.mode)) refuseEntry(entry.name, 'it is a hard link to a directory');
    return path;
  }

  #setXattrs({ name, xattrs }: TarEntry, path: string): void {
    for (const [key, value] of xattrs) {
      if (travels(key)) this.#setXattr(path, key, value);
      else this.#options.warn(`extended attribute "${decodeName(key)}" of "${decodeName(name)}" is not for layers`);
    }
  }

  /** What the file system cannot hold is left out, as by containerd: a link has no user attributes, tmpfs had none. */
  #setXattr(path: string, key: string, value: Uint8Array): void {
    try {
      lsetxattrSync(encodeName(path), decodeName(key), value);
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && !(code === 'EPERM' && key.startsWith('user.'))) throw error;
      this.#options.warn(`extended attribute "${decodeName(key)}" cannot be set on "${decodeName(path)}": ${code}`);
    }
  }

  #settle(directory: Directory): void {
    for (const child of directory.children.values()) if ('children' in child) this.#settle(child);
    if (directory.changed && directory.time !== undefined)
      lutimesSync(encodeName(directory.path), { mtime: directory.time });
  }
}

function isSameFile(a: string, b: string): boolean {
  const [one, other] = [statusOf(a), statusOf(b)];
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

function attributesOf({ mode, uid, gid, modified }: TarEntry): Attributes {
  const nanoseconds = ((modified % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return {
    mode,
    uid,
    gid,
    seconds: Number((modified - nanoseconds) / 1_000_000_000n),
    nanoseconds: Number(nanoseconds),
  };
}
