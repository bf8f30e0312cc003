import { constants, type BigIntStats } from 'node:fs';
import { isSame, isSameRoot } from '#/core/layers/child/compare.ts';
import { isDirectory, listNames, statusOf, type TreeFile } from '#/core/layers/child/file-status.ts';

/** One difference between two trees; `name` is its path below the root, '' for the root itself. */
export type Change =
  | { readonly kind: 'removed'; readonly name: string }
  | { readonly kind: 'present'; readonly name: string; readonly path: string; readonly status: BigIntStats };

type Present = Extract<Change, { kind: 'present' }>;

/**
 * What a layer must list so that `lower` becomes `upper`, directories before what is in them, names in byte order. The
 * directories on the way to a change are listed too, changed or not, except for the root, whose time says nothing.
 * Sockets are taken for absent. No link is followed.
 */
export function* changesBetween(lower: string | undefined, upper: string): Generator<Change, void, undefined> {
  const before = lower === undefined ? undefined : fileAt(lower);
  const after = fileAt(upper);
  if (after === undefined) return;
  if (before === undefined || !isSameRoot(before, after)) yield { kind: 'present', name: '', ...after };
  yield* walk({ name: '', before, after }, []);
}

interface Pair {
  readonly name: string;
  readonly before: TreeFile | undefined;
  readonly after: TreeFile;
}

/** `pending` are the directories above that have not been listed. */
function* walk(directory: Pair, pending: Present[]): Generator<Change, void, undefined> {
  for (const base of namesOf(directory)) {
    const name = directory.name === '' ? base : `${directory.name}/${base}`;
    const before = directory.before === undefined ? undefined : fileAt(`${directory.before.path}/${base}`);
    const after = fileAt(`${directory.after.path}/${base}`);
    if (after === undefined) {
      if (before === undefined) continue;
      yield* pending.splice(0);
      yield { kind: 'removed', name };
      continue;
    }
    const change: Present = { kind: 'present', name, ...after };
    const isChanged = before === undefined || !isSame(before, after);
    if (isChanged) {
      yield* pending.splice(0);
      yield change;
    }
    if (!isDirectory(after.status.mode)) continue;
    if (!isChanged) pending.push(change);
    const beside = before !== undefined && isDirectory(before.status.mode) ? before : undefined;
    yield* walk({ name, before: beside, after }, pending);
    if (pending.at(-1) === change) pending.pop();
  }
}

function namesOf({ before, after }: Pair): string[] {
  const names = listNames(after.path);
  if (before === undefined) return names.sort();
  return [...new Set([...names, ...listNames(before.path)])].sort();
}

function fileAt(path: string): TreeFile | undefined {
  const status = statusOf(path);
  if (status === undefined || (Number(status.mode) & constants.S_IFMT) === constants.S_IFSOCK) return undefined;
  return { path, status };
}
