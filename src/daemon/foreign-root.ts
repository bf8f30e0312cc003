import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import type { DaemonConfig } from '#/daemon/config/daemon-config.ts';

/**
 * A configuration of containerd names containerd's own directory. The names of files there are ours too, and what no
 * record of ours mentions is removed: such a directory must not be touched.
 */
export async function refuseForeignRoot({ root }: DaemonConfig): Promise<void> {
  const theirs = join(root, 'io.containerd.metadata.v1.bolt', 'meta.db');
  const isTheirs = await access(theirs).then(
    () => true,
    () => false,
  );
  if (isTheirs)
    throw new EngineError(
      'failed-precondition',
      `Cannot use root "${root}": it is containerd's (there is "${theirs}"); choose another with --root`,
    );
}
