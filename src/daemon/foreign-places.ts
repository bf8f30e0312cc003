import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, errnoOf } from '#/base/errors.ts';
import type { DaemonConfig } from '#/daemon/config/daemon-config.ts';

/**
 * A configuration of containerd names containerd's own directories. The names of files there are ours too, and what no
 * record of ours mentions is taken down and removed: such directories must not be touched.
 */
export async function refuseForeignPlaces({ root, state }: DaemonConfig): Promise<void> {
  const theirs = join(root, 'io.containerd.metadata.v1.bolt', 'meta.db');
  if (await exists(theirs))
    throw new EngineError(
      'failed-precondition',
      `Cannot use root "${root}": it is containerd's (there is "${theirs}"); choose another with --root`,
    );
  if (await exists(join(root, 'io.containerd.metadata.v1.sqlite', 'meta.db'))) return;
  const bundles = join(state, 'io.containerd.runtime.v2.task');
  if (await isEmpty(bundles)) return;
  throw new EngineError(
    'failed-precondition',
    `Cannot use state "${state}": it holds tasks in "${bundles}", and root "${root}", which is new, cannot know them; choose another with --state`,
  );
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** Of tasks: empty directories of namespaces do not count. */
async function isEmpty(bundles: string): Promise<boolean> {
  for (const namespace of await namesIn(bundles))
    if ((await namesIn(join(bundles, namespace))).length > 0) return false;
  return true;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}
