/** The child of the kill -9 test: makes and removes snapshots without end; prints each name that was committed. */
import { writeSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { openNative } from '#/core/snapshots/native.ts';

const [directory = '', round = ''] = process.argv.slice(2);
const metadata = await openMetadata({ path: join(directory, 'meta.db') });
const snapshots = await openNative({ root: join(directory, 'native'), metadata });

async function layerForever(writer: string): Promise<void> {
  for (let count = 0, parent = ''; ; count++) {
    const name = `${round}/${writer}/${count}`;
    const [mount] = await snapshots.prepare('n', `extract ${name}`, parent);
    // The native snapshotter's mounts are bind mounts: their source is the tree.
    await mkdir(join(mount?.source ?? '', `d${count}`));
    await writeFile(join(mount?.source ?? '', `d${count}`, 'name'), name);
    await snapshots.commit('n', name, `extract ${name}`);
    writeSync(1, `${name}\n`);
    parent = count % 5 === 4 ? '' : name;
    await snapshots.prepare('n', `removed ${name}`, name);
    await snapshots.remove('n', `removed ${name}`);
  }
}

await Promise.all(['a', 'b'].map(layerForever));
