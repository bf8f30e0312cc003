import type { Credentials } from '#/client/system.ts';
import { between, defineCommand, type Command, type Context } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { configPath } from '#/cli/registry/docker-config.ts';
import { serverKey } from '#/cli/registry/registry-auth.ts';
import { storeLogin } from '#/cli/registry/stored-logins.ts';
import { ask, readPipedSecret } from '#/cli/terminal/ask.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] [SERVER]',
  about: 'Check the credentials of a registry and remember them (Docker Hub where none is named)',
  examples: ['berth login registry.example.com', 'berth login -u me --password-stdin registry.example.com < secret'],
  flags: {
    password: text('p', 'PASSWORD', 'Password or token; seen by everybody on this machine'),
    'password-stdin': boolean('', 'Read the password from standard input'),
    username: text('u', 'USER', 'User name'),
  },
  arity: between(0, 1),
  run: async ({ context, flags, args: [server = 'docker.io'] }) => {
    const given = { username: flags.username, password: flags.password, piped: flags['password-stdin'] };
    const { username, password } = await gatherCredentials(context, given);
    const client = await context.connect();
    const serveraddress = serverKey(server);
    const checked = await client.system.checkCredentials({ username, password, serveraddress });
    const token = checked.IdentityToken ?? '';
    const credentials: Credentials = token === '' ? { username, password } : { username, identitytoken: token };
    const path = configPath(context.env);
    const place = await storeLogin(path, server, credentials);
    if (place === 'file')
      context.err.line(`WARNING: the credentials are kept unencrypted in "${path}"; a credential helper would not`);
    context.out.line(checked.Status ?? 'Login Succeeded');
  },
});

interface Given {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly piped: boolean;
}

async function gatherCredentials({ err }: Context, given: Given): Promise<{ username: string; password: string }> {
  if (given.piped && given.password !== undefined)
    throw new UsageError('"--password" and "--password-stdin" exclude each other');
  if (given.piped && given.username === undefined)
    throw new UsageError('"--password-stdin" needs "--username" as well');
  if (given.password !== undefined)
    err.line('WARNING: "--password" shows the password to everybody on this machine; use "--password-stdin"');
  const username = given.username ?? (await ask('Username: ', { err, secret: false })).trim();
  if (username === '') throw new UsageError('a user name is needed', 1);
  const password = given.piped
    ? await readPipedSecret()
    : (given.password ?? (await ask('Password: ', { err, secret: true })));
  if (password === '') throw new UsageError('a password is needed', 1);
  return { username, password };
}
