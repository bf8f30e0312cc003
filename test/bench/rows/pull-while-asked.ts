/** A big pull must not be felt by those who ask meanwhile, as a kubelet does each second for every container. */
import { setTimeout as delay } from 'node:timers/promises';
import { startBerth } from '../berth.ts';
import { findBigImage } from '../big-image.ts';
import { openMetadataClient, type MetadataClient } from '../metadata-client.ts';
import { programs, startContainerd, startContainerd2, type Containerd } from '../peers.ts';
import { compare, type Row } from '../row.ts';
import { startRegistry } from '../../support/registry.ts';
import { mustRun } from '../../support/run-command.ts';

const containers = 200;
const pause = 20;

export const pullWhileAsked: Row = {
  name: 'pull-while-asked',
  about: `p99 of listing ${containers} containers every ${pause} ms while 200 MB are pulled and unpacked`,
  measure: async ({ place, imports }) => {
    const image = await findBigImage();
    await using registry = await startRegistry();
    const name = `${registry.host}/bench/big:1`;
    const source = ['copy', '-q', '--insecure-policy', '--dest-tls-verify=false'];
    await mustRun(programs.skopeo, [...source, `oci:${image.layout}:${image.tag}`, `docker://${name}`]);
    await using berth = await startBerth(place);
    await using older = await startContainerd(place);
    await using newer = await startContainerd2(place);
    await using client = await openMetadataClient(berth.address, { containers });
    const ofPeer = async (peer: Containerd | undefined): Promise<MetadataClient | undefined> =>
      peer && (await openMetadataClient(peer.address, { containers }));
    await using olderClient = await ofPeer(older);
    await using newerClient = await ofPeer(newer);
    const byPeer = (peer: Containerd, asking: MetadataClient) => () =>
      slowestWhile(asking, async () => {
        await peer.ctr('images', 'pull', '--plain-http', name);
        await peer.ctr('images', 'rm', '--sync', name);
      });
    return await compare(imports, {
      what: `listing ${containers} containers during a pull, p99`,
      unit: 'ms',
      berth: () =>
        berth.watched(() =>
          slowestWhile(client, async () => {
            await berth.berth('pull', '-q', name);
            await berth.berth('rmi', name);
          }),
        ),
      peers: [
        older && olderClient && { name: older.name, subject: byPeer(older, olderClient) },
        newer && newerClient && { name: newer.name, subject: byPeer(newer, newerClient) },
      ],
      loop: berth.loopDelay,
    });
  },
};

/** The 99th percentile of what listing takes while the work is going on. */
async function slowestWhile(client: MetadataClient, work: () => Promise<void>): Promise<number> {
  const over = new AbortController();
  const working = work().finally(() => over.abort());
  const times: number[] = [];
  while (!over.signal.aborted) {
    times.push(await client.listContainers());
    await delay(pause);
  }
  await working;
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
}
