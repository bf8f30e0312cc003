import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mkfifo } from '#/linux/mknod.ts';
import { compare, type Row } from '../row.ts';
import { readFifo, type ShimRig } from '../shim-rig.ts';
import { untilTrue } from '../../support/until.ts';
import { openRigs } from './shim-life.ts';

const fileBytes = 64 << 20;
const repeats = 16;
const total = fileBytes * repeats;
const budget = { kind: 'ratio', most: 1 } as const;
const patience = 120_000;

export const shimOutput: Row = {
  name: 'shim-output',
  about: 'one GB of lines from a container through its shim, to a reader and to a file',
  measure: async ({ place, imports }) => {
    await using rigs = await openRigs(place);
    await writeFile(join(place.path, 'image/lines'), lines());
    const log = join(place.path, 'output.log');
    const fifo = join(place.path, 'output.fifo');
    await mkfifo(fifo, 0o600);
    return [
      ...(await compare(imports, {
        what: 'shim: `cat` of 1 GB to a reader of its FIFO',
        unit: 'ms',
        berth: () => toReader(rigs.berth, fifo),
        peers: [{ name: 'Go shim', subject: () => toReader(rigs.go, fifo), budget }],
      })),
      ...(await compare(imports, {
        what: 'shim: `cat` of 1 GB to a file, file://',
        unit: 'ms',
        berth: () => toFile(rigs.berth, `file://${log}`, log),
        peers: [{ name: 'Go shim', subject: () => toFile(rigs.go, `file://${log}`, log), budget }],
      })),
    ];
  },
};

/** Lines of a log, not all alike. */
function lines(): Buffer {
  const text = Array.from({ length: 1000 }, (_, at) => `${at} a line such as programs write to say what they did\n`);
  return Buffer.alloc(fileBytes, text.join(''));
}

const command = ['/bin/cat', ...Array.from({ length: repeats }, () => '/lines')];

async function toReader(rig: ShimRig, fifo: string): Promise<number> {
  const container = await rig.start(command);
  await container.create({ stdout: fifo });
  const exit = container.wait();
  const begin = performance.now();
  await Promise.all([readFifo(fifo), container.begin()]);
  const took = performance.now() - begin;
  await exit;
  await container.end();
  return took;
}

async function toFile(rig: ShimRig, stdout: string, log: string): Promise<number> {
  await rm(log, { force: true });
  const container = await rig.start(command);
  await container.create({ stdout });
  const exit = container.wait();
  const begin = performance.now();
  await container.begin();
  await exit;
  await untilTrue('all of the output', async () => (await stat(log)).size >= total, patience);
  const took = performance.now() - begin;
  await container.end();
  return took;
}
