import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { removeEverything } from '../support/berthd.ts';

/** A directory of the bench's own. At its end processes that were started in it go, then its mounts, then its files. */
export interface Place extends AsyncDisposable {
  readonly path: string;
}

export async function openPlace(parent: string): Promise<Place> {
  // Short: paths of sockets have at most 107 bytes.
  const path = await mkdtemp(join(parent, 'bb-'));
  return {
    path,
    [Symbol.asyncDispose]: () => removeEverything(path),
  };
}
