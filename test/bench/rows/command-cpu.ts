import { berthCommand, startBerth } from '../berth.ts';
import { processorTime } from '../cost-of-command.ts';
import { programs, startContainerd } from '../peers.ts';
import { compare, type Row } from '../row.ts';

const milliseconds = 80;

export const commandCpu: Row = {
  name: 'command-cpu',
  about: 'user and system time of `berth version`',
  measure: async ({ place, runs }) => {
    await using berth = await startBerth(place);
    await using containerd = await startContainerd(place);
    return await compare(runs, {
      what: 'CPU time of berth version',
      unit: 'ms',
      berth: () => berth.watched(() => processorTime({ file: berthCommand, args: ['version'], env: berth.env })),
      peers: [
        containerd && {
          name: 'ctr version',
          subject: () => processorTime({ file: programs.ctr, args: ['--address', containerd.address, 'version'] }),
          budget: { kind: 'absolute', most: milliseconds },
        },
      ],
      loop: berth.loopDelay,
    });
  },
};
