import { EngineError } from '#/base/errors.ts';
import { findTask, getContainer } from '#/client/containerd/find-container.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { findLog } from '#/client/containerd/container-log.ts';
import { readLogFile } from '#/cli/ctr/run/read-log-file.ts';
import { boolean, number } from '#/cli/flags.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER',
  about: 'Show what a detached container wrote',
  examples: ['berth ctr run -d alpine count sh -c "seq 9"', 'berth ctr logs -f count'],
  flags: {
    follow: boolean('f', 'Go on until the container ends'),
    tail: number('', 'LINES', 'Only so many lines from the end'),
  },
  arity: exactly(1),
  run: async ({ flags, args, out, connect }) => {
    const client = await connect();
    const container = await getContainer(client, args[0] ?? '');
    const path = findLog(container);
    if (path === undefined)
      throw new EngineError(
        'not-found',
        `Cannot show logs of "${container.id}": it has no log file; a container that "berth ctr run -d" started has one`,
      );
    const over = new AbortController();
    if (flags.follow) {
      const task = await findTask(client, container.id);
      const ended =
        task === undefined ? Promise.resolve() : client.call(Tasks.method.wait, { containerId: container.id });
      void Promise.resolve(ended).then(
        () => over.abort(),
        () => over.abort(),
      );
    }
    const wish = { path, tail: flags.tail, until: flags.follow ? over.signal : undefined };
    for await (const data of readLogFile(wish)) await out.write(data);
  },
});
