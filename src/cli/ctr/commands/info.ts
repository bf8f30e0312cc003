import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonText } from '#/cli/ctr/ctr-text.ts';
import { messageFields } from '#/cli/ctr/message-json.ts';
import { Introspection, ServerResponseSchema } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Show who the daemon is: its id, its process, and what it warns of',
  flags: {},
  arity: noArguments,
  run: async ({ out, connect }) => {
    const server = await (await connect()).call(Introspection.method.server, {});
    out.line(jsonText({ server: messageFields(ServerResponseSchema, server) }));
  },
});
