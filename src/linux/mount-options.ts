import { posix } from 'node:path';
import { EngineError } from '#/base/errors.ts';

/** The flags of mount(2), linux/mount.h. */
export const mountFlags = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  synchronous: 16,
  remount: 32,
  mandatoryLock: 64,
  dirSync: 128,
  noSymFollow: 256,
  noAtime: 1024,
  noDirAtime: 2048,
  bind: 4096,
  recursive: 16384,
  silent: 32768,
  unbindable: 0x20000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
  relAtime: 0x200000,
  strictAtime: 0x1000000,
  lazyTime: 0x2000000,
} as const;

const flag = mountFlags;

/** fstab words that set or clear a flag. */
const flagWords: Readonly<Record<string, { readonly set?: number; readonly clear?: number }>> = {
  ro: { set: flag.readOnly },
  rw: { clear: flag.readOnly },
  bind: { set: flag.bind },
  rbind: { set: flag.bind | flag.recursive },
  nosuid: { set: flag.noSuid },
  suid: { clear: flag.noSuid },
  nodev: { set: flag.noDev },
  dev: { clear: flag.noDev },
  noexec: { set: flag.noExec },
  exec: { clear: flag.noExec },
  sync: { set: flag.synchronous },
  async: { clear: flag.synchronous },
  dirsync: { set: flag.dirSync },
  remount: { set: flag.remount },
  mand: { set: flag.mandatoryLock },
  nomand: { clear: flag.mandatoryLock },
  nosymfollow: { set: flag.noSymFollow },
  noatime: { set: flag.noAtime },
  atime: { clear: flag.noAtime },
  nodiratime: { set: flag.noDirAtime },
  diratime: { clear: flag.noDirAtime },
  relatime: { set: flag.relAtime },
  norelatime: { clear: flag.relAtime },
  strictatime: { set: flag.strictAtime },
  nostrictatime: { clear: flag.strictAtime },
  lazytime: { set: flag.lazyTime },
  nolazytime: { clear: flag.lazyTime },
  silent: { set: flag.silent },
  loud: { clear: flag.silent },
  defaults: {},
};

const propagationWords: Readonly<Record<string, number>> = {
  private: flag.private,
  rprivate: flag.private | flag.recursive,
  shared: flag.shared,
  rshared: flag.shared | flag.recursive,
  slave: flag.slave,
  rslave: flag.slave | flag.recursive,
  unbindable: flag.unbindable,
  runbindable: flag.unbindable | flag.recursive,
};

/** Words for mount(8) and init systems, which the kernel never sees. */
const userSpace = /^(?:_netdev|auto|noauto|nofail|user|nouser|users|owner|group|comment=.*|x-.*|X-.*)$/;

export interface MountOptions {
  readonly flags: number;
  /** Each needs a call of its own. */
  readonly propagation: readonly number[];
  /** What belongs to the file system. */
  readonly data: readonly string[];
}

/** Reads fstab words; what is neither a flag nor meant for mount(8) goes to the file system as it is. */
export function parseMountOptions(words: readonly string[]): MountOptions {
  let flags = 0;
  const propagation: number[] = [];
  const data: string[] = [];
  for (const word of words) {
    const change = Object.hasOwn(flagWords, word) ? flagWords[word] : undefined;
    const kind = Object.hasOwn(propagationWords, word) ? propagationWords[word] : undefined;
    if (change !== undefined) flags = (flags | (change.set ?? 0)) & ~(change.clear ?? 0);
    else if (kind !== undefined) propagation.push(kind);
    else if (word === 'loop' || word.startsWith('loop='))
      throw new EngineError('unimplemented', `Cannot mount with option "${word}": loop devices are not set up here`);
    else if (word !== '' && !userSpace.test(word)) data.push(word);
  }
  return { flags, propagation, data };
}

/** One call of mount(2). Relative paths in `data` start at `directory`. */
export interface MountCall {
  readonly source: string;
  readonly type: string;
  readonly flags: number;
  readonly data: string;
  readonly directory: string;
}

export interface MountWish {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** The kernel copies one page of data and ends it with a NUL. */
const longestData = 4095;

const bindFlags = flag.bind | flag.recursive | flag.silent;

/**
 * The calls that carry out a mount, in order: a bind ignores other flags until it is remounted, and propagation has
 * calls of its own. Throws when the data is too long even with its paths shortened.
 */
export function planMount(wish: MountWish): MountCall[] {
  const { flags, propagation, data } = parseMountOptions([...impliedOptions(wish), ...wish.options]);
  const isNew = (flags & flag.remount) === 0;
  const base: MountCall = { source: wish.source, type: '', flags: 0, data: '', directory: '' };
  const changes = propagation.map((kind) => ({ ...base, flags: kind }));
  if (isNew && (flags & flag.bind) !== 0) {
    const rest = flags & ~bindFlags;
    const remount = rest === 0 ? [] : [{ ...base, flags: rest | flag.bind | flag.remount }];
    return [{ ...base, flags: flags & bindFlags }, ...remount, ...changes];
  }
  const onlyChanges = isNew && changes.length > 0 && ['', 'none'].includes(wish.type);
  return onlyChanges ? changes : [{ ...base, type: wish.type, flags, ...fitData(wish, data.join(',')) }, ...changes];
}

/** Type "bind" without the option means it. */
export function impliedOptions(wish: MountWish): string[] {
  const isBind = wish.type === 'bind' || wish.type === 'rbind';
  return isBind && !wish.options.some((word) => word === 'bind' || word === 'rbind') ? [wish.type] : [];
}

function fitData(wish: MountWish, data: string): { readonly data: string; readonly directory: string } {
  const whole = { data, directory: '' };
  if (Buffer.byteLength(data) <= longestData) return whole;
  const shorter = wish.type === 'overlay' ? shortenOverlay(wish.options, data) : whole;
  if (Buffer.byteLength(shorter.data) <= longestData) return shorter;
  throw new EngineError(
    'resource-exhausted',
    `Cannot mount ${wish.type} from "${wish.source}": its options take ${Buffer.byteLength(shorter.data)} bytes and the kernel takes ${longestData}; use fewer layers, or a root directory with a shorter name`,
  );
}

/** Leaves the directory that all lower layers share out of their names; the mount is then made from there. */
function shortenOverlay(words: readonly string[], data: string): { readonly data: string; readonly directory: string } {
  const option = words.find((word) => word.startsWith('lowerdir='));
  if (option === undefined) return { data, directory: '' };
  const layers = splitLayers(option.slice('lowerdir='.length));
  const shared = sharedDirectory(layers);
  if (shared === '/' || shared === '') return { data, directory: '' };
  const short = layers.map((layer) => layer.slice(shared.length + 1)).join(':');
  const parts = words.map((word) => (word === option ? `lowerdir=${short}` : word));
  return { data: parseMountOptions(parts).data.join(','), directory: shared.replaceAll(/\\(.)/g, '$1') };
}

/** Overlay writes a colon inside a name as `\:`. */
export function splitLayers(text: string): string[] {
  return text.split(/(?<!\\):/);
}

/** The deepest directory above all of the absolute paths; '' when one is relative. */
export function sharedDirectory(paths: readonly string[]): string {
  if (!paths.every((path) => path.startsWith('/') && posix.normalize(path) === path)) return '';
  const parents = paths.map((path) => posix.dirname(path).split('/'));
  const shared = parents.reduce((above, path) => {
    const end = above.findIndex((name, at) => path[at] !== name);
    return end < 0 ? above : above.slice(0, end);
  });
  return shared.join('/') || '/';
}
