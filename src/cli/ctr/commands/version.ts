import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { version } from '#/cli/version-number.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { Version } from '#/gen/containerd/services/version/v1/version_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Show the versions of client and daemon',
  flags: {},
  arity: noArguments,
  run: async ({ out, connect }) => {
    out.text(`Client:\n  Version:  ${version}\n  Revision: \n  Node version: ${process.version}\n\n`);
    const client = await connect();
    const server = await client.call(Version.method.version, {});
    out.text(`Server:\n  Version:  ${server.version}\n  Revision: ${server.revision}\n`);
    const { uuid } = await client.call(Introspection.method.server, {});
    out.line(`  UUID: ${uuid}`);
  },
});
