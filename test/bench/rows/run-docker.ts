import { startBerth } from '../berth.ts';
import { wallTime, type Command } from '../cost-of-command.ts';
import { openDockerClient } from '../docker-client.ts';
import { dockerEnvironment, has, programs, startDockerd } from '../peers.ts';
import { compare, type Row } from '../row.ts';
import { timed } from '../samples.ts';
import { loadHello } from '../small-image.ts';

/** Without budgets: those are for a bridge network, which the peer cannot have here without touching the host's. */
export const runDocker: Row = {
  name: 'run-docker',
  about: 'docker run --rm without a network, the real docker command on berthd and on dockerd',
  measure: async ({ place, runs }) => {
    if (!has('docker')) return [];
    await using berth = await startBerth(place);
    await using dockerd = await startDockerd(place);
    await loadHello(place, { berth, dockerd });
    const run = (socketPath: string): Command => ({
      file: programs.docker,
      args: ['run', '--rm', '--network', 'none', 'hello', 'true'],
      env: dockerEnvironment(socketPath, place),
    });
    const commands = await compare(runs, {
      what: 'docker run --rm, the real command',
      unit: 'ms',
      berth: () => berth.watched(() => wallTime(run(berth.dockerSocket))),
      peers: [dockerd && { name: 'the same on dockerd', subject: () => wallTime(run(dockerd.socketPath)) }],
      loop: berth.loopDelay,
    });
    using client = openDockerClient(berth.dockerSocket);
    using peer = dockerd && openDockerClient(dockerd.socketPath);
    const calls = await compare(runs, {
      what: "create to delete, warm client, Docker's API",
      unit: 'ms',
      berth: () => berth.watched(() => timed(() => client.run('hello', ['true']))),
      peers: [peer && { name: 'the same on dockerd', subject: () => timed(() => peer.run('hello', ['true'])) }],
      loop: berth.loopDelay,
    });
    return [...commands, ...calls];
  },
};
