import { createRegistry, fromBinary } from '@bufbuild/protobuf';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonLine, printedTime } from '#/cli/ctr/ctr-text.ts';
import { messageFields } from '#/cli/ctr/message-json.ts';
import { file_containerd_events_container } from '#/gen/containerd/events/container_pb.ts';
import { file_containerd_events_content } from '#/gen/containerd/events/content_pb.ts';
import { file_containerd_events_image } from '#/gen/containerd/events/image_pb.ts';
import { file_containerd_events_namespace } from '#/gen/containerd/events/namespace_pb.ts';
import { file_containerd_events_sandbox } from '#/gen/containerd/events/sandbox_pb.ts';
import { file_containerd_events_snapshot } from '#/gen/containerd/events/snapshot_pb.ts';
import { file_containerd_events_task } from '#/gen/containerd/events/task_pb.ts';
import { Events } from '#/gen/containerd/services/events/v1/events_pb.ts';

const known = createRegistry(
  file_containerd_events_container,
  file_containerd_events_content,
  file_containerd_events_image,
  file_containerd_events_namespace,
  file_containerd_events_sandbox,
  file_containerd_events_snapshot,
  file_containerd_events_task,
);

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [FILTER...]',
  about: 'Show what happens in the daemon, in all namespaces, as it happens; ctrl-c ends it',
  examples: ["berth ctr events 'topic~=/tasks/'", 'berth ctr events namespace==k8s.io'],
  flags: {},
  arity: atLeast(0),
  run: async ({ args, out, err, connect }) => {
    const client = await connect();
    for await (const envelope of client.stream(Events.method.subscribe, { filters: [...args] })) {
      const { timestamp, namespace, topic, event } = envelope;
      const name = event === undefined ? '' : event.typeUrl.slice(event.typeUrl.lastIndexOf('/') + 1);
      const schema = known.getMessage(name);
      if (event !== undefined && schema === undefined) {
        err.line(`berth ctr: an event of the unknown type "${event.typeUrl}" on topic "${topic}" is left out`);
        continue;
      }
      const shown =
        event === undefined || schema === undefined
          ? ''
          : jsonLine(messageFields(schema, fromBinary(schema, event.value)));
      out.line(`${printedTime(timestamp)} ${namespace} ${topic} ${shown}`);
    }
  },
});
