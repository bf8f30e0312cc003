import { between } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { configPath } from '#/cli/registry/docker-config.ts';
import { eraseLogin } from '#/cli/registry/stored-logins.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [REGISTRY]',
  about: 'Forget who you are to a registry (Docker Hub where none is named)',
  flags: {},
  arity: between(0, 1),
  run: async ({ args, out, env }) => {
    const [registry = 'docker.io'] = args;
    const known = await eraseLogin(configPath(env), registry);
    out.line(known ? `Forgotten: ${registry}` : `Nothing was remembered for ${registry}`);
  },
});
