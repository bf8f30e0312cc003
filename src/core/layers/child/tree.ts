import { constants } from 'node:fs';
import { linkTarget, statusOf } from '#/core/layers/child/file-status.ts';
import { refuseEntry } from '#/core/layers/child/entry-name.ts';
import { isMark, markOpaque, removeMark } from '#/core/layers/child/overlay-marks.ts';
import { makeDirectory, type Attributes } from '#/linux/untar.ts';
import { encodeName } from '#/oci/tar-entry.ts';

/** A directory of the tree that an entry's path went through. */
export interface Directory {
  /** From the root, without symbolic links in it. */
  readonly path: string;
  readonly parent: Directory | undefined;
  /** Made by this layer, so everything in it is this layer's. */
  readonly fresh: boolean;
  readonly children: Map<string, Directory | SymbolicLink>;
  /** Names that this layer has put here; not kept for a fresh directory. */
  readonly put: Set<string>;
  /** The modification time that it has in the end, once something was changed in it. */
  time: bigint | undefined;
  changed: boolean;
}

/** A symbolic link on the way to an entry. */
interface SymbolicLink {
  readonly target: string;
}

export interface TreeOptions {
  /** Hears of each directory that no entry lists but that one needs. */
  readonly onMade: () => void;
  /** Whether overlayfs's marks may be in the tree: a marked name is free. */
  readonly marks: boolean;
}

interface Walk {
  /** Of the entry, for errors. */
  readonly name: string;
  /** Whether missing directories are made. */
  readonly makes: boolean;
  links: number;
}

/** As the kernel's own MAXSYMLINKS. */
const maxLinks = 40;

const implied: Attributes = { mode: 0o755, uid: 0, gid: 0, seconds: 0, nanoseconds: 0 };

export function pathIn(directory: Directory, name: string): string {
  return directory.path === '/' ? `/${name}` : `${directory.path}/${name}`;
}

/**
 * What is known of the tree that a layer is unpacked into. Symbolic links on the way to an entry are followed inside the
 * root, as a chroot would, but here, so that one directory has one record whatever path led to it.
 */
export class Tree {
  readonly root: Directory;
  readonly #options: TreeOptions;
  #lastPath: readonly string[] = [];
  #last: Directory;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.root = openDirectory('/', undefined, false);
    this.#last = this.root;
  }

  /** The directory that the segments lead to; what is missing is made. Throws when a file is in the way. */
  enter(segments: readonly string[], name: string): Directory {
    if (sameSegments(segments, this.#lastPath)) return this.#last;
    const walk: Walk = { name, links: 0, makes: true };
    const directory = this.#follow(this.root, segments, walk) ?? this.root;
    this.#lastPath = segments;
    this.#last = directory;
    return directory;
  }

  /** The same without making anything: undefined when a part of the way is missing, or a file is in it. */
  find(segments: readonly string[], name: string): Directory | undefined {
    return this.#follow(this.root, segments, { name, links: 0, makes: false });
  }

  /** Records a directory that an entry made, or found. */
  adopt(parent: Directory, base: string, fresh: boolean): Directory {
    const known = parent.children.get(base);
    if (known !== undefined && 'children' in known && !fresh) return known;
    const directory = openDirectory(pathIn(parent, base), parent, fresh);
    parent.children.set(base, directory);
    this.#forgetLast();
    return directory;
  }

  /** Forgets what was known of a name that is removed or replaced. */
  forget(parent: Directory, base: string): void {
    if (parent.children.delete(base)) this.#forgetLast();
  }

  #forgetLast(): void {
    this.#lastPath = [];
    this.#last = this.root;
  }

  #follow(start: Directory, segments: readonly string[], walk: Walk): Directory | undefined {
    let directory: Directory | undefined = start;
    for (const segment of segments) {
      if (segment === '..') directory = directory.parent ?? this.root;
      else if (segment !== '' && segment !== '.') directory = this.#step(directory, segment, walk);
      if (directory === undefined) return undefined;
    }
    return directory;
  }

  #step(from: Directory, segment: string, walk: Walk): Directory | undefined {
    const next = from.children.get(segment) ?? this.#discover(from, segment, walk);
    if (next === undefined || 'children' in next) return next;
    if (++walk.links > maxLinks) refuseEntry(walk.name, 'its path goes through too many symbolic links');
    return this.#follow(next.target.startsWith('/') ? this.root : from, next.target.split('/'), walk);
  }

  #discover(parent: Directory, base: string, { name, makes }: Walk): Directory | SymbolicLink | undefined {
    const path = pathIn(parent, base);
    const status = statusOf(path);
    if (status === undefined) return makes ? this.#makeImplied(parent, base) : undefined;
    switch (Number(status.mode) & constants.S_IFMT) {
      case constants.S_IFDIR:
        return this.adopt(parent, base, false);
      case constants.S_IFLNK: {
        const link = { target: linkTarget(path) };
        parent.children.set(base, link);
        return link;
      }
      default:
        if (this.#options.marks && isMark(status)) return makes ? this.#makeOverMark(parent, base) : undefined;
        return makes ? refuseEntry(name, 'a part of its path is not a directory') : undefined;
    }
  }

  #makeOverMark(parent: Directory, base: string): Directory {
    removeMark(pathIn(parent, base));
    const made = this.#makeImplied(parent, base);
    markOpaque(made.path);
    return made;
  }

  #makeImplied(parent: Directory, base: string): Directory {
    this.#options.onMade();
    touch(parent);
    const now = Math.floor(Date.now() / 1000);
    makeDirectory(encodeName(pathIn(parent, base)), { ...implied, seconds: now });
    if (!parent.fresh) parent.put.add(base);
    return this.adopt(parent, base, true);
  }
}

function sameSegments(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((segment, index) => segment === b[index]);
}

function openDirectory(path: string, parent: Directory | undefined, fresh: boolean): Directory {
  return { path, parent, fresh, children: new Map(), put: new Set(), time: undefined, changed: false };
}

/** Before something is made or removed in a directory: the time that it had is what it keeps if no entry says another. */
export function touch(directory: Directory): void {
  if (directory.changed) return;
  directory.changed = true;
  if (directory.time !== undefined) return;
  const status = statusOf(directory.path);
  if (status !== undefined) directory.time = status.mtimeNs;
}
