import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startBerth } from '../berth.ts';
import { findBigImage, type BigImage } from '../big-image.ts';
import { makeFreshDisk } from '../fresh-disk.ts';
import { worseOf, type LoopDelay } from '../loop-delay-client.ts';
import { has, programs, startContainerd } from '../peers.ts';
import { openPlace, type Place } from '../place.ts';
import { compare, type Bench, type Line, type Row } from '../row.ts';
import { timed } from '../samples.ts';
import { loadHello } from '../small-image.ts';
import { mustRun } from '../../support/run-command.ts';

const about = 'import and unpack a layer of 200 MB and 10 000 files, gzip';

export const importInMemory: Row = {
  name: 'import-memory',
  about: `${about}, in /dev/shm: what the disk does not bound`,
  measure: (bench) =>
    compareImports(bench, 'in memory', async (work) => {
      await using place = await openPlace('/dev/shm');
      return await work(place);
    }),
};

export const importOnDisk: Row = {
  name: 'import-disk',
  about: `${about}, on a new ext4`,
  measure: async (bench) => {
    const disk = await makeFreshDisk(bench.place);
    return await compareImports(bench, 'on disk', async (work) => work(await openPlace(disk)));
  },
};

/** Gives the work a directory where nothing is yet. */
type InNewPlace = (work: (place: Place) => Promise<number>) => Promise<number>;

/** Every import is a first one: by a daemon with an empty root, which has only loaded a small image to wake up. */
async function compareImports({ imports }: Bench, where: string, inNewPlace: InNewPlace): Promise<Line[]> {
  const image = await findBigImage();
  let loop: LoopDelay | undefined;
  const load = async (place: Place): Promise<number> => {
    await using berth = await startBerth(place);
    await loadHello(place, { berth });
    await settled();
    const took = await berth.watched(() => timed(() => berth.berth('load', '-i', image.archive)));
    loop = worseOf(loop, berth.loopDelay());
    return took;
  };
  return await compare(imports, {
    what: `import 200 MB, 10 000 files, ${where}`,
    unit: 'ms',
    berth: () => inNewPlace(load),
    peers: [
      has('containerd', 'ctr')
        ? {
            name: 'ctr images import',
            subject: () => inNewPlace((place) => importWithCtr(place, image)),
            budget: { kind: 'ratio', most: 0.5 },
          }
        : undefined,
      has('umoci')
        ? { name: 'umoci unpack', subject: () => inNewPlace((place) => unpackWithUmoci(place, image)) }
        : undefined,
      { name: 'tar -xz of the layer alone', subject: () => inNewPlace((place) => extractWithTar(place, image)) },
    ],
    loop: () => loop,
  });
}

async function importWithCtr(place: Place, { archive }: BigImage): Promise<number> {
  await using containerd = await startContainerd(place);
  await loadHello(place, { containerd });
  await settled();
  return await timed(async () => containerd?.ctr('image', 'import', archive));
}

async function unpackWithUmoci({ path }: Place, { layout, tag }: BigImage): Promise<number> {
  await settled();
  const args = ['unpack', '--image', `${layout}:${tag}`, join(path, 'bundle')];
  return await timed(() => mustRun(programs.umoci, args));
}

async function extractWithTar({ path }: Place, { layer }: BigImage): Promise<number> {
  const target = join(path, 'tree');
  await mkdir(target);
  await settled();
  return await timed(() => mustRun('tar', ['-C', target, '-xzf', layer]));
}

/** Nobody pays for what the one before has left to be written. */
async function settled(): Promise<void> {
  await mustRun('sync', []);
}
