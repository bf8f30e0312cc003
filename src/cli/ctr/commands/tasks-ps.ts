import { fromBinary } from '@bufbuild/protobuf';
import { getContainer } from '#/client/containerd/find-container.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { ProcessDetailsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { ProcessInfo } from '#/gen/containerd/types/task/task_pb.ts';
import { holdsMessage, valueOfAny } from '#/rpc/any.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER',
  about: 'List the processes of a container',
  flags: {},
  arity: exactly(1),
  run: async ({ args, out, connect }) => {
    const client = await connect();
    const { id } = await getContainer(client, args[0] ?? '');
    const { processes } = await client.call(Tasks.method.listPids, { containerId: id });
    const rows = processes.map((process) => [String(process.pid), infoText(process)]);
    out.text(formatTabbed([['PID', 'INFO'], ...rows], tabShapes.loose));
  },
});

function infoText({ info }: ProcessInfo): string {
  if (info === undefined) return '-';
  const value = valueOfAny(info);
  if (!holdsMessage(value, ProcessDetailsSchema)) return value.typeUrl;
  return `exec_id:${JSON.stringify(fromBinary(ProcessDetailsSchema, value.value).execId)}`;
}
