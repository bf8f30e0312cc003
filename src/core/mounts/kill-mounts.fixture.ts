/** A process that activates and deactivates mounts until it is killed. Its argument is a directory. */
import { join } from 'node:path';
import { openMounts } from '#/core/mounts/open-mounts.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';

const [, , directory = ''] = process.argv;
const root = join(directory, 'root');
const metadata = await openMetadata({ path: join(directory, 'meta.db') });
const mounts = await openMounts({ root, state: join(directory, 'state'), metadata });
const wish = [
  { type: 'loop', source: join(root, 'image'), options: ['ro'] },
  { type: 'format/ext4', source: '{{ mount 0 }}', options: ['ro'] },
  { type: 'format/bind', source: '{{ mount 1 }}', options: ['rbind'] },
];
const kept = await mounts.activate('blue', 'kept', wish);
process.stderr.write(`keeps ${kept.id}\n`);
for (;;) {
  await mounts.activate('blue', 'other', wish);
  await mounts.deactivate('blue', 'other');
}
