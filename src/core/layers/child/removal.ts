import { rmdirSync, unlinkSync } from 'node:fs';
import { isDirectory, listNames, pathBytes, statusOf } from '#/core/layers/child/file-status.ts';
import { pathIn, touch, type Directory, type Tree } from '#/core/layers/child/tree.ts';

/** Removes what is there, a directory with all it holds; nothing there is fine. Links are not followed. */
export function removeTree(path: string): void {
  const status = statusOf(path);
  if (status === undefined) return;
  if (!isDirectory(status.mode)) return unlinkSync(pathBytes(path));
  const found = [path];
  // Directories are listed from the top down, so they can be removed in the opposite order.
  for (const directory of found) {
    for (const name of listNames(directory)) {
      const inner = `${directory}/${name}`;
      const kind = statusOf(inner);
      if (kind !== undefined && isDirectory(kind.mode)) found.push(inner);
      else unlinkSync(pathBytes(inner));
    }
  }
  for (const directory of found.reverse()) rmdirSync(pathBytes(directory));
}

/** A whiteout: removes a name, except for what this layer itself has put there. */
export function hideName(tree: Tree, directory: Directory, name: string): void {
  if (directory.fresh) return;
  touch(directory);
  const known = directory.children.get(name);
  const below = known !== undefined && 'children' in known ? known : undefined;
  const isPut = directory.put.has(name);
  if (below !== undefined && !below.fresh && (isPut || holdsNew(below))) return hideAll(tree, below);
  if (isPut || below?.fresh === true) return;
  removeTree(pathIn(directory, name));
  tree.forget(directory, name);
}

/** An opaque whiteout: removes everything in a directory except for what this layer has put there. */
export function hideAll(tree: Tree, directory: Directory): void {
  if (directory.fresh) return;
  for (const name of listNames(directory.path)) hideName(tree, directory, name);
}

function holdsNew(directory: Directory): boolean {
  if (directory.fresh || directory.put.size > 0) return true;
  return directory.children.values().some((child) => 'children' in child && holdsNew(child));
}
