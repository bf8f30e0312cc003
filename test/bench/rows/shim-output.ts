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
    const errors = join(place.path, 'errors.log');
    await writeFile(errors, '');
    const reader: Reader = { fifo, errors };
    return [
      ...(await compare(imports, {
        what: 'shim: `cat` of 1 GB to a reader of its FIFO',
        unit: 'ms',
        berth: () => toReader(rigs.berth, reader),
        peers: [{ name: 'Go shim', subject: () => toReader(rigs.go, reader), budget }],
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

interface Reader {
  readonly fifo: string;
  /** A file; the Go shim wants both. */
  readonly errors: string;
}

const command = ['/bin/cat', ...Array.from({ length: repeats }, () => '/lines')];

async function toReader(rig: ShimRig, { fifo, errors }: Reader): Promise<number> {
  const container = await rig.start(command);
  const reading = readFifo(fifo);
  // Ended with everything else when the container cannot be made: the Go shim waits for a reader first.
  reading.catch(() => {});
  await container.create({ stdout: fifo, stderr: errors });
  const exit = container.wait();
  const begin = performance.now();
  await container.begin();
  await reading;
  const took = performance.now() - begin;
  await exit;
  await container.end();
  return took;
}

async function toFile(rig: ShimRig, stdout: string, log: string): Promise<number> {
  await rm(log, { force: true });
  const container = await rig.start(command);
  await container.create({ stdout, stderr: stdout });
  const exit = container.wait();
  const begin = performance.now();
  await container.begin();
  await exit;
  await untilTrue('all of the output', async () => (await stat(log)).size >= total, patience);
  const took = performance.now() - begin;
  await container.end();
  return took;
}
