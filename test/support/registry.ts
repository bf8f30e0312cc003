/** Debian's docker-registry on a free port, with a directory of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';
import { untilTrue } from './until.ts';

export interface TestRegistry extends AsyncDisposable {
  /** `localhost:PORT`. */
  readonly host: string;
}

/** The launcher is what starts it, such as a command that enters a network namespace. */
export async function startRegistry(launcher: readonly string[] = []): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'registry-'));
  const port = await freePort();
  const config = join(directory, 'config.yml');
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${directory}/data}, delete: {enabled: true}}\nhttp: {addr: 127.0.0.1:${port}}\n`,
  );
  const [file, ...words] = [...launcher, 'docker-registry', 'serve', config];
  const child = spawn(file, words, { stdio: 'ignore' });
  const [look, ...how] = [...launcher, 'curl', '-sf', `http://127.0.0.1:${port}/v2/`];
  await untilTrue('a registry', async () => (await runCommand(look, how)).code === 0);
  return {
    host: `localhost:${port}`,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
