import { between } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { configPath } from '#/cli/registry/docker-config.ts';
import { storeLogin } from '#/cli/registry/stored-logins.ts';
import { ask, readPipedSecret } from '#/cli/terminal/ask.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [REGISTRY]',
  about: 'Remember who you are to a registry (Docker Hub where none is named), for pull, push and run',
  examples: ['berth ctr login -u me registry.example'],
  flags: {
    user: text('u', 'USER', 'User name'),
    'password-stdin': boolean('', 'Read the password from standard input'),
  },
  arity: between(0, 1),
  run: async ({ flags, args, out, err, env }) => {
    const [registry = 'docker.io'] = args;
    if (flags['password-stdin'] && flags.user === undefined)
      throw new UsageError('"--password-stdin" needs "--user" as well', 1);
    const username = flags.user ?? (await ask('User name: ', { err, secret: false })).trim();
    const password = flags['password-stdin'] ? await readPipedSecret() : await ask('Password: ', { err, secret: true });
    if (username === '' || password === '') throw new UsageError('a user name and a password are needed', 1);
    const path = configPath(env);
    const place = await storeLogin(path, registry, { username, password });
    if (place === 'file')
      err.line(`berth ctr: the password is kept unencrypted in "${path}"; a credential helper would not`);
    out.line(`Remembered for ${registry}; the next pull shows whether the registry agrees`);
  },
});
