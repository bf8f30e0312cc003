import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, relative } from 'node:path';
import { EngineError } from '#/base/errors.ts';

/**
 * Where a file or directory may be made for a mount: below one of the daemon's own directories, its parent's symbolic
 * links followed. Clients name the place, and it is not to be anywhere on the machine.
 */
export async function allowedPlace(path: string, roots: readonly string[]): Promise<string> {
  const refuse = (why: string): EngineError =>
    new EngineError('unimplemented', `Cannot make ${JSON.stringify(path.slice(0, 200))} for a mount: ${why}`);
  const outside = 'it is not below the daemon’s own directories';
  if (!isAbsolute(path) || normalize(path) !== path) throw refuse('write it as an absolute path without ".."');
  if (!roots.some((root) => isBelow(root, path))) throw refuse(outside);
  const parent = await realpath(dirname(path)).catch(() => undefined);
  if (parent === undefined) throw refuse('its parent is not there');
  const place = join(parent, basename(path));
  const real = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  if (!real.some((root) => isBelow(root, place))) throw refuse(outside);
  return place;
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}
