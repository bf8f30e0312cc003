import { between, defineCommand, type Command } from '#/cli/command.ts';
import { configPath } from '#/cli/registry/docker-config.ts';
import { hostOf } from '#/cli/registry/registry-auth.ts';
import { eraseLogin } from '#/cli/registry/stored-logins.ts';

export const command: Command = defineCommand({
  usage: '[SERVER]',
  about: 'Forget the credentials of a registry (Docker Hub where none is named)',
  flags: {},
  arity: between(0, 1),
  run: async ({ context, args: [server = 'docker.io'] }) => {
    const known = await eraseLogin(configPath(context.env), server);
    context.out.line(known ? `Removed the credentials of ${hostOf(server)}` : `Not logged in to ${hostOf(server)}`);
  },
});
