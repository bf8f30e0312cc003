import { getContainer } from '#/client/containerd/find-container.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { labelsText, parseLabels } from '#/cli/ctr/ctr-text.ts';
import { Containers } from '#/gen/containerd/services/containers/v1/containers_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER [KEY=VALUE...]',
  about: 'Set labels of a container (an empty value clears one) and show all it has',
  flags: {},
  arity: atLeast(1),
  run: async ({ args, out, connect }) => {
    const [word = '', ...words] = args;
    const labels = parseLabels(words);
    const client = await connect();
    const { id, labels: present } = await getContainer(client, word);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    if (paths.length === 0) return out.line(labelsText(present));
    const { container } = await client.call(Containers.method.update, {
      container: { id, labels },
      updateMask: { paths },
    });
    out.line(labelsText(container?.labels ?? {}));
  },
});
