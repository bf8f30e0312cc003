import { startBerth } from '../berth.ts';
import { wallTime } from '../cost-of-command.ts';
import { openDockerClient } from '../docker-client.ts';
import { ctrRun, startContainerd } from '../peers.ts';
import { compare, type Row } from '../row.ts';
import { timed } from '../samples.ts';
import { helloImage, loadHello } from '../small-image.ts';

export const runDockerApi: Row = {
  name: 'run-docker-api',
  about: "create, start, wait, delete over Docker's API on one warm connection",
  measure: async ({ place, runs }) => {
    await using berth = await startBerth(place);
    await using containerd = await startContainerd(place);
    await loadHello(place, { berth, containerd });
    using client = openDockerClient(berth.dockerSocket);
    return await compare(runs, {
      what: "create to delete, warm client, Docker's API",
      unit: 'ms',
      berth: () => berth.watched(() => timed(() => client.run('hello', ['true']))),
      peers: [
        containerd && {
          name: 'ctr run --rm',
          subject: () => wallTime(ctrRun(containerd, helloImage, 'true')),
          budget: { kind: 'ratio', most: 0.7 },
        },
      ],
      loop: berth.loopDelay,
    });
  },
};
