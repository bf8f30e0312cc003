/** One truth: what one face of berthd makes, changes or removes, the other sees (the real ctr beside Docker's API). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeHelloArchive } from '../support/hello-image.ts';
import { startJourney, type Journey } from '../support/journey.ts';
import { mustRun, runCommand, type CommandResult } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';

const image = 'docker.io/library/hello:latest';
let journey: Journey;

const tryCtr = (...args: string[]): Promise<CommandResult> =>
  runCommand('ctr', ['--address', journey.daemon.address, '-n', 'default', ...args]);
const ctr = (...args: string[]): Promise<string> =>
  mustRun('ctr', ['--address', journey.daemon.address, '-n', 'default', ...args]);

before(async () => {
  journey = await startJourney();
});

after(async () => {
  await journey[Symbol.asyncDispose]();
});

test('a container of ctr’s is listed and inspected by Docker’s API, which refuses what its owner alone can do', async () => {
  const { containers } = journey.client;
  await ctr('run', '-d', '--null-io', image, 'alien', 'sleep', '1000');
  const [listed] = await containers.list();
  assert.deepEqual(
    [listed?.Id, listed?.Names, listed?.State, listed?.Image],
    ['alien', ['/alien'], 'running', 'hello:latest'],
  );
  const details = await containers.inspect('alien');
  assert.equal(details.State.Running, true);
  assert(details.State.Pid > 0);
  const refusal = {
    kind: 'conflict',
    message: /container "alien": it was made through containerd's API, whose client owns/,
  };
  await assert.rejects(containers.logs('alien'), refusal);
  await assert.rejects(containers.attach('alien', { stdout: true }), refusal);
  await assert.rejects(containers.start('alien'), refusal);
  await assert.rejects(containers.remove('alien', { force: true }), refusal);
  await assert.rejects(containers.execs.create('alien', { Cmd: ['true'] }), refusal);
  await assert.rejects(containers.create({ Image: 'hello', HostConfig: { NetworkMode: 'none' } }, { name: 'alien' }), {
    kind: 'conflict',
  });
  await journey.daemon.crash();
  await journey.daemon.start();
  assert.equal((await containers.inspect('alien')).State.Running, true);
  await ctr('tasks', 'kill', '--signal', 'SIGKILL', 'alien');
  await untilTrue('its end is seen', async () => (await containers.inspect('alien')).State.Status === 'exited');
  assert.equal((await containers.inspect('alien')).State.ExitCode, 137);
  await tryCtr('tasks', 'rm', 'alien');
  await ctr('containers', 'rm', 'alien');
  assert.deepEqual(await containers.list({ all: true }), []);
  await journey.assertInOrder();
});

test('a container of Docker’s is seen by ctr, and its task too', async () => {
  const id = await journey.start('hello', ['sleep', '1000'], { name: 'mine' });
  assert.match(await ctr('containers', 'ls'), new RegExp(`^${id}\\s+${image}`, 'm'));
  assert.match(await ctr('tasks', 'ls'), new RegExp(`^${id}\\s+\\d+\\s+RUNNING`, 'm'));
  await ctr('tasks', 'kill', '--signal', 'SIGKILL', id);
  const { result } = await journey.client.containers.wait(id);
  assert.equal((await result).StatusCode, 137);
  await journey.client.containers.remove(id);
  assert.doesNotMatch(await ctr('containers', 'ls'), new RegExp(id));
  await journey.assertInOrder();
});

test('a stopped container of Docker’s that ctr removes gives up its name, files and waiters', async () => {
  const { client, daemon } = journey;
  const id = await journey.start('hello', ['echo', 'logged'], { name: 'taken' });
  await (
    await client.containers.wait(id)
  ).result;
  const files = join(daemon.root, 'containers/default', id);
  assert.equal(existsSync(files), true);
  const { result: removed } = await client.containers.wait(id, 'removed');
  await ctr('containers', 'rm', id);
  assert.equal((await removed).StatusCode, 0);
  await assert.rejects(client.containers.inspect('taken'), { kind: 'not-found' });
  await untilTrue('its files are gone', async () => !existsSync(files));
  const again = await journey.start('hello', ['true'], { name: 'taken' });
  await (
    await client.containers.wait(again)
  ).result;
  await client.containers.remove(again);
  await journey.assertInOrder();
});

test('a running container of Docker’s that ctr kills and removes leaves nothing either', async () => {
  const { client } = journey;
  const id = await journey.start('hello', ['sleep', '1000'], { name: 'taken' });
  await tryCtr('tasks', 'kill', '--signal', 'SIGKILL', id);
  await tryCtr('tasks', 'rm', '--force', id);
  await tryCtr('containers', 'rm', id);
  await untilTrue('it is gone', async () => (await client.containers.list({ all: true })).length === 0);
  await journey.assertInOrder();
});

test('images of one face are those of the other', async () => {
  const { images } = journey.client;
  await images.tag('hello', { repository: 'tagged', tag: '1' });
  assert.match(await ctr('images', 'ls', '-q'), /^docker\.io\/library\/tagged:1$/m);
  await ctr('images', 'rm', '--sync', 'docker.io/library/tagged:1');
  await assert.rejects(images.inspect('tagged:1'), { kind: 'not-found' });
  const archive = join(journey.daemon.directory, 'other.tar');
  await writeFile(archive, await makeHelloArchive('other:1'));
  await ctr('images', 'import', archive);
  assert.deepEqual(await journey.run('other:1', ['echo', 'hi']), { code: 0, output: 'hi\n' });
  await images.remove('other:1');
  assert.doesNotMatch(await ctr('images', 'ls', '-q'), /other/);
  await journey.assertInOrder();
});

test('what ctr makes in another namespace is not Docker’s', async () => {
  const archive = join(journey.daemon.directory, 'hello.tar');
  await writeFile(archive, await makeHelloArchive());
  const other = (...args: string[]): Promise<string> =>
    mustRun('ctr', ['--address', journey.daemon.address, '-n', 'elsewhere', ...args]);
  await other('images', 'import', archive);
  await other('run', '-d', '--null-io', image, 'hidden', 'sleep', '1000');
  assert.deepEqual(await journey.client.containers.list({ all: true }), []);
  await other('tasks', 'rm', '--force', 'hidden');
  await other('containers', 'rm', 'hidden');
  await other('images', 'rm', '--sync', image);
  await journey.assertInOrder();
});
