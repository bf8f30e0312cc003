import { getContainer, getTask } from '#/client/containerd/find-container.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { hasNetwork, openNetwork } from '#/cli/ctr/run/cni-network.ts';
import { boolean, text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { parseSignal } from '#/linux/signals.ts';

/** Where clients note the signal that an image wants for its end. */
const stopSignalLabel = 'io.containerd.image.config.stop-signal';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER',
  about: 'Send a signal to a container: the one its image wants, else SIGTERM',
  flags: {
    signal: text('s', 'SIGNAL', 'Signal to send, such as SIGKILL or 9'),
    'exec-id': text('', 'ID', 'Send it to this process that was execed'),
    all: boolean('a', 'Send it to all processes of the container'),
  },
  arity: exactly(1),
  run: async ({ flags, args, env, connect }) => {
    const execId = flags['exec-id'] ?? '';
    if (flags.all && execId !== '') throw new UsageError('"--all" and "--exec-id" cannot be given together', 1);
    const client = await connect();
    const container = await getContainer(client, args[0] ?? '');
    const { id, labels } = container;
    const signal = parseSignal(flags.signal ?? labels[stopSignalLabel] ?? 'SIGTERM');
    if (hasNetwork(container)) {
      const { pid } = await getTask(client, id);
      await openNetwork(client.namespace, id, env).remove(pid);
    }
    await client.call(Tasks.method.kill, { containerId: id, execId, signal, all: flags.all });
  },
});
