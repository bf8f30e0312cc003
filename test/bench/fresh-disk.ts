import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../support/run-command.ts';
import type { Place } from './place.ts';

/**
 * A new ext4 in a sparse file, mounted; it goes with the place. ext4 does not like to give out inodes that were freed
 * in the last minutes: on a disk where the round before (or the bench before) has deleted 10 000 files, making as many
 * takes ten times as long, for everyone. Here nothing was ever deleted.
 */
export async function makeFreshDisk({ path }: Place): Promise<string> {
  const [file, target] = [join(path, 'disk.img'), join(path, 'disk')];
  const laziness = 'lazy_itable_init=0,lazy_journal_init=0,nodiscard';
  await mustRun('/sbin/mkfs.ext4', ['-q', '-N', '600000', '-E', laziness, file, '16G']);
  await mkdir(target);
  await mustRun('mount', ['-o', 'loop', file, target]);
  return target;
}
