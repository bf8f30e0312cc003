import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startBerth } from '../berth.ts';
import { findBigImage, type BigImage } from '../big-image.ts';
import { has, programs, startContainerd, type Containerd } from '../peers.ts';
import { compare, type Row } from '../row.ts';
import { timed } from '../samples.ts';
import { mustRun } from '../../support/run-command.ts';

export const importImage: Row = {
  name: 'import',
  about: 'import and unpack a layer of 200 MB and 10 000 files, gzip',
  measure: async ({ place, imports }) => {
    const image = await findBigImage();
    await using berth = await startBerth(place);
    await using containerd = await startContainerd(place);
    const load = async (): Promise<number> => {
      await settled();
      const took = await berth.watched(() => timed(() => berth.berth('load', '-i', image.archive)));
      await forgotten(berth.root, image, () => berth.berth('rmi', image.name));
      return took;
    };
    const umoci = has('umoci') ? () => unpackWithUmoci(image, join(place.path, 'umoci')) : undefined;
    return await compare(imports, {
      what: 'import and unpack 200 MB, 10 000 files',
      unit: 'ms',
      berth: load,
      peers: [
        containerd && {
          name: 'ctr images import',
          subject: () => importWithCtr(containerd, image),
          budget: { kind: 'ratio', most: 0.5 },
        },
        umoci && { name: 'umoci unpack', subject: umoci },
      ],
      loop: berth.loopDelay,
    });
  },
};

async function importWithCtr({ root, ctr }: Containerd, image: BigImage): Promise<number> {
  await settled();
  const took = await timed(() => ctr('image', 'import', image.archive));
  await forgotten(root, image, () => ctr('image', 'rm', '--sync', image.name));
  return took;
}

async function unpackWithUmoci({ layout, tag }: BigImage, bundle: string): Promise<number> {
  await settled();
  const took = await timed(() => mustRun(programs.umoci, ['unpack', '--image', `${layout}:${tag}`, bundle]));
  await rm(bundle, { recursive: true });
  return took;
}

/** Nobody pays for what the one before has left to be written. */
async function settled(): Promise<void> {
  await mustRun('sync', []);
}

const patience = 60_000;

/** Removes the image, and waits until its files are gone too: berth and containerd name them alike. */
async function forgotten(root: string, { layerHex }: BigImage, remove: () => Promise<unknown>): Promise<void> {
  const blob = join(root, 'io.containerd.content.v1.content/blobs/sha256', layerHex);
  const snapshots = join(root, 'io.containerd.snapshotter.v1.overlayfs/snapshots');
  if (!existsSync(blob)) throw new Error(`the import left no "${blob}"`);
  await remove();
  const deadline = performance.now() + patience;
  while (existsSync(blob) || (await readdir(snapshots)).length > 0) {
    if (performance.now() > deadline) throw new Error(`"${root}" still has files of an image that was removed`);
    await delay(50);
  }
}
