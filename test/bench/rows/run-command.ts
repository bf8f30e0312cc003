import { berthCommand, startBerth } from '../berth.ts';
import { wallTime } from '../cost-of-command.ts';
import { ctrRun, startContainerd } from '../peers.ts';
import { compare, type Row } from '../row.ts';
import { helloImage, loadHello } from '../small-image.ts';

/** A command in Node against one in Go: what our own shim saves is to pay for Node's start. */
const mostWithOwnShim = 1;

export const runCommand: Row = {
  name: 'run-command',
  about: 'berth run --rm of an unpacked image without a network, as a command',
  measure: async ({ place, runs }) => {
    await using berth = await startBerth(place);
    await using containerd = await startContainerd(place);
    await loadHello(place, { berth, containerd });
    const command = { file: berthCommand, args: ['run', '--rm', '--network', 'none', 'hello', 'true'], env: berth.env };
    return await compare(runs, {
      what: 'berth run --rm, the command',
      unit: 'ms',
      berth: () => berth.watched(() => wallTime(command)),
      peers: [
        containerd && {
          name: 'ctr run --rm',
          subject: () => wallTime(ctrRun(containerd, helloImage, 'true')),
          budget: { kind: 'ratio', most: mostWithOwnShim },
        },
      ],
      loop: berth.loopDelay,
    });
  },
};
