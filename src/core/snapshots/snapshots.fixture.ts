import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Metadata } from '#/core/metadata/contract.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import type { Mount, OpenSnapshotter, Snapshotter } from '#/core/snapshots/contract.ts';
import { withMounts } from '#/linux/mount.ts';

/** A snapshotter in a directory of its own, which goes with it. */
export interface TestSnapshots extends AsyncDisposable {
  readonly directory: string;
  readonly metadata: Metadata;
  readonly snapshots: Snapshotter;
  /** Another snapshotter on the same files, as after a restart. */
  reopen(): Promise<Snapshotter>;
  /** Runs `work` in the mounted snapshot. */
  within<T>(mounts: readonly Mount[], work: (root: string) => Promise<T>): Promise<T>;
  /** Makes a committed layer: prepares on `parent`, runs `change` in it, commits as `name`. */
  layer(name: string, parent: string, change: (root: string) => Promise<void>): Promise<void>;
}

export async function testSnapshots(open: OpenSnapshotter): Promise<TestSnapshots> {
  const stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'snap-')));
  const metadata = stack.use(await openMetadata({ path: join(dir.path, 'meta.db') }));
  const reopen = async (): Promise<Snapshotter> =>
    stack.use(await open({ root: join(dir.path, 'snapshotter'), metadata }));
  const snapshots = await reopen();
  const within: TestSnapshots['within'] = (mounts, work) => withMounts(mounts, dir.path, work);
  const layer: TestSnapshots['layer'] = async (name, parent, change) => {
    await within(await snapshots.prepare('default', `extract ${name}`, parent), change);
    await snapshots.commit('default', name, `extract ${name}`);
  };
  const dispose = (): Promise<void> => stack.disposeAsync();
  return { directory: dir.path, metadata, snapshots, reopen, within, layer, [Symbol.asyncDispose]: dispose };
}

/** Changes for a layer, and looks into one. */
export const nothing = async (): Promise<void> => {};
export const write =
  (name: string, text: string) =>
  async (root: string): Promise<void> =>
    await writeFile(join(root, name), text);
export const read =
  (name: string) =>
  async (root: string): Promise<string> =>
    await readFile(join(root, name), 'utf8');

/** Where a writable snapshot has its files. */
export function directoryOf([mount]: readonly Mount[]): string {
  const upper = mount?.options.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length);
  return dirname(upper ?? mount?.source ?? '');
}

/** What is on the disk. */
export const directoriesOf = async (snapshots: Snapshotter): Promise<string[]> =>
  (await readdir(join(snapshots.root, 'snapshots'))).sort();
