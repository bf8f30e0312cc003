import { startBerth } from '../berth.ts';
import { openContainerdClient } from '../containerd-client.ts';
import { wallTime } from '../cost-of-command.ts';
import { ctrRun, startContainerd } from '../peers.ts';
import { compare, type Row } from '../row.ts';
import { timed } from '../samples.ts';
import { helloImage, loadHello } from '../small-image.ts';

export const runContainerdApi: Row = {
  name: 'run-containerd-api',
  about: "create, start, wait, delete over containerd's API on one warm connection",
  measure: async ({ place, runs }) => {
    await using berth = await startBerth(place);
    await using containerd = await startContainerd(place);
    await loadHello(place, { berth, containerd });
    await using client = await openContainerdClient(berth.address, helloImage, ['true']);
    await using peer = containerd && (await openContainerdClient(containerd.address, helloImage, ['true']));
    return await compare(runs, {
      what: "create to delete, warm client, containerd's API",
      unit: 'ms',
      berth: () => berth.watched(() => timed(client.run)),
      peers: [
        containerd && {
          name: 'ctr run --rm',
          subject: () => wallTime(ctrRun(containerd, helloImage, 'true')),
          budget: { kind: 'ratio', most: 0.7 },
        },
        peer && { name: 'containerd, the same client', subject: () => timed(peer.run) },
      ],
      loop: berth.loopDelay,
    });
  },
};
