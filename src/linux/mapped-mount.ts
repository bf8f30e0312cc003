/** Mounts that show other owners than the files have, as containers in user namespaces need them. */
import { join, resolve } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { addon } from '#/linux/addon.ts';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { checkCall } from '#/linux/errno-error.ts';
import {
  impliedOptions,
  mountFlags,
  parseMountOptions,
  sharedDirectory,
  splitLayers,
  type MountOptions,
  type MountWish,
} from '#/linux/mount-options.ts';

/** Ranges of ids in the words of mount options: `container:host:size`, several joined by commas. */
export interface IdMap {
  readonly uids: string;
  readonly gids: string;
}

export interface MappedMount {
  readonly wish: MountWish;
  readonly map: IdMap;
}

/** The mapping among a mount's options. Throws `invalid-argument` for one of users without groups, or the other way. */
export function splitIdMap(wish: MountWish): MappedMount | undefined {
  const found = (name: string): string | undefined =>
    wish.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const [uids, gids] = [found('uidmap'), found('gidmap')];
  if (uids === undefined && gids === undefined) return undefined;
  if (uids === undefined || gids === undefined)
    throw new EngineError('invalid-argument', `Cannot mount "${wish.source}" with one of uidmap and gidmap; give both`);
  const options = wish.options.filter((option) => !/^[ug]idmap=/.test(option));
  return { wish: { ...wish, options }, map: { uids, gids } };
}

/** Binds a tree, or mounts an overlay of layers, whose owners are shifted. An overlay's upper directory stays as it is. */
export async function mountMapped({ wish, map }: MappedMount, target: string): Promise<void> {
  const options = parseMountOptions([...impliedOptions(wish), ...wish.options]);
  const namespace = await openUserNamespace(map);
  try {
    if ((options.flags & mountFlags.bind) !== 0) await bindMapped({ wish, options, target, namespace });
    else if (wish.type === 'overlay') await overlayMapped({ wish, options, target, namespace });
    else
      throw new EngineError(
        'unimplemented',
        `Cannot map owners of a mount of type "${wish.type}": of bind and overlay only`,
      );
  } finally {
    closeDescriptor(namespace);
  }
  for (const kind of options.propagation)
    checkCall(await addon().mountPathAsync('', target, '', kind, '', ''), 'mount', { path: target });
}

interface Work {
  readonly wish: MountWish;
  readonly options: MountOptions;
  readonly target: string;
  readonly namespace: number;
}

async function openUserNamespace({ uids, gids }: IdMap): Promise<number> {
  const lines = (ranges: string): string =>
    ranges
      .split(',')
      .map((range) => `${range.replaceAll(':', ' ')}\n`)
      .join('');
  return checkCall(await addon().openUserNamespaceAsync(lines(uids), lines(gids)), 'user namespace', {
    path: `uidmap=${uids},gidmap=${gids}`,
  });
}

async function bindMapped({ wish, options, target, namespace }: Work): Promise<void> {
  const recursive = (options.flags & mountFlags.recursive) === 0 ? 0 : 1;
  await clone({ source: resolve(wish.source), target, namespace, recursive, attributes: attributesOf(options.flags) });
}

interface Clone {
  readonly source: string;
  readonly target: string;
  readonly namespace: number;
  readonly recursive: number;
  readonly attributes: number;
}

async function clone({ source, target, namespace, recursive, attributes }: Clone): Promise<void> {
  const result = await addon().cloneMappedAsync(source, target, namespace, recursive, attributes);
  checkCall(result, 'mount_setattr', { path: source, dest: target });
}

/**
 * The directory above all layers is shown on the target with its owners shifted while the overlay is made of the layers
 * in there; the overlay, which keeps what it has taken, then takes its place.
 */
async function overlayMapped({ wish, options, target, namespace }: Work): Promise<void> {
  const { layers, rest } = layersOf(options);
  const shared = sharedDirectory(layers);
  if (shared === '' || shared === '/')
    throw new EngineError('invalid-argument', `Cannot map owners of "${wish.source}": its layers share no directory`);
  const shifted = layers.map((layer) => ['lowerdir+', join(target, unescape(layer.slice(shared.length)))] as const);
  const config = Buffer.from([...rest, ...shifted].map(([key, value]) => `${key}\0${value}\0`).join(''));
  await clone({ source: unescape(shared), target, namespace, recursive: 0, attributes: attribute.readOnly });
  let overlay: number;
  try {
    const made = await addon().makeMountAsync(wish.type, attributesOf(options.flags), config);
    overlay = checkCall(made, 'fsconfig', { path: wish.source, dest: target });
  } finally {
    checkCall(await addon().unmountPathAsync(target, detachOnly), 'umount2', { path: target });
  }
  try {
    checkCall(await addon().attachMountAsync(overlay, target), 'move_mount', { path: wish.source, dest: target });
  } finally {
    closeDescriptor(overlay);
  }
}

/** MNT_DETACH and UMOUNT_NOFOLLOW. */
const detachOnly = 2 | 8;

function layersOf({ data }: MountOptions): {
  readonly layers: readonly string[];
  readonly rest: readonly (readonly [key: string, value: string])[];
} {
  const pairs = data.map((word): [string, string] => {
    const [key = '', ...value] = word.split('=');
    return [key, value.join('=')];
  });
  const layers = pairs.filter(([key]) => key === 'lowerdir').flatMap(([, value]) => splitLayers(value));
  return { layers, rest: pairs.filter(([key]) => key !== 'lowerdir') };
}

/** Overlay's own options say a colon as `\\:`; single layers are taken as they are. */
const unescape = (path: string): string => path.replaceAll(/\\(.)/g, '$1');

const attribute = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  noAtime: 16,
  strictAtime: 32,
  noDirAtime: 128,
  noSymFollow: 0x200000,
};

/** Flags of mount(2) as attributes of mount_setattr(2); of times of access only one may be said. */
function attributesOf(flags: number): number {
  const { readOnly, noSuid, noDev, noExec, noDirAtime, noSymFollow } = attribute;
  const plain = [
    [mountFlags.readOnly, readOnly],
    [mountFlags.noSuid, noSuid],
    [mountFlags.noDev, noDev],
    [mountFlags.noExec, noExec],
    [mountFlags.noDirAtime, noDirAtime],
    [mountFlags.noSymFollow, noSymFollow],
  ] as const;
  const time =
    (flags & mountFlags.noAtime) !== 0
      ? attribute.noAtime
      : (flags & mountFlags.strictAtime) !== 0
        ? attribute.strictAtime
        : 0;
  return plain.reduce((sum, [flag, value]) => ((flags & flag) === 0 ? sum : sum | value), time);
}
