/** Images of many layers: imported by the same ctr everywhere, pulled by each one's own command. */
import { startBerth } from '../berth.ts';
import { layeredImage, makeLayeredArchive, pushArchive } from '../layered-image.ts';
import { worseOf, type LoopDelay } from '../loop-delay-client.ts';
import { has, programs, startContainerd, startContainerd2, type Containerd } from '../peers.ts';
import { openPlace, type Place } from '../place.ts';
import { compare, type Bench, type Line, type Row } from '../row.ts';
import { timed } from '../samples.ts';
import { loadHello } from '../small-image.ts';
import { mustRun } from '../../support/run-command.ts';
import { startRegistry } from '../../support/registry.ts';

export const importLayers: Row = {
  name: 'import-layers',
  about: `ctr images import of ${layeredImage}, the same ctr for all`,
  measure: async (bench) => {
    const archive = await makeLayeredArchive(bench.place);
    return await compareFirstTimes(bench, {
      what: `ctr images import, ${layeredImage}`,
      berth: (address) => ctr(address, 'images', 'import', archive),
      peer: ({ address }) => ctr(address, 'images', 'import', archive),
    });
  },
};

export const pullLayers: Row = {
  name: 'pull-layers',
  about: `pull and unpack ${layeredImage} from a registry on this machine`,
  measure: async (bench) => {
    await using registry = await startRegistry();
    const image = await pushArchive(await makeLayeredArchive(bench.place), `${registry.host}/bench/layered:1`);
    return await compareFirstTimes(bench, {
      what: `pull, ${layeredImage}`,
      berth: (_address, berth) => berth('pull', '-q', image),
      peer: ({ address }) => ctr(address, 'images', 'pull', '--plain-http', image),
    });
  },
};

const ctr = (address: string, ...words: string[]): Promise<string> =>
  mustRun(programs.ctr, ['--address', address, ...words], { timeoutMs: 600_000 });

interface FirstTimes {
  readonly what: string;
  readonly berth: (address: string, berth: (...words: string[]) => Promise<string>) => Promise<unknown>;
  readonly peer: (containerd: Containerd) => Promise<unknown>;
}

/** Each is done by a daemon with an empty root, which has only loaded a small image to wake up. */
async function compareFirstTimes({ imports }: Bench, { what, berth, peer }: FirstTimes): Promise<Line[]> {
  let loop: LoopDelay | undefined;
  const byBerth = async (): Promise<number> => {
    await using place = await openPlace('/dev/shm');
    await using daemon = await startBerth(place);
    await loadHello(place, { berth: daemon });
    const took = await daemon.watched(() => timed(() => berth(daemon.address, daemon.berth)));
    loop = worseOf(loop, daemon.loopDelay());
    return took;
  };
  const byPeer = (start: (place: Place) => Promise<Containerd | undefined>) => async (): Promise<number> => {
    await using place = await openPlace('/dev/shm');
    await using containerd = await start(place);
    if (containerd === undefined) return Number.NaN;
    await loadHello(place, { containerd });
    return await timed(() => peer(containerd));
  };
  const current = await hasCurrent();
  return await compare(imports, {
    what,
    unit: 'ms',
    berth: byBerth,
    peers: [
      has('containerd', 'ctr') ? { name: 'containerd 1.6', subject: byPeer(startContainerd) } : undefined,
      current ? { name: 'containerd 2', subject: byPeer(startContainerd2) } : undefined,
    ],
    loop: () => loop,
  });
}

async function hasCurrent(): Promise<boolean> {
  await using place = await openPlace('/dev/shm');
  await using containerd = await startContainerd2(place);
  return containerd !== undefined;
}
