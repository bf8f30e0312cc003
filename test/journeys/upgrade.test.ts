/** The berthd of the last release is replaced by this one under running containers: nobody notices, nothing is lost. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeHelloArchive } from '../support/hello-image.ts';
import { startJourney, type Journey } from '../support/journey.ts';
import { readNumberedLog, tickingScript } from '../support/numbered-lines.ts';
import { checkOutPreviousRelease } from '../support/previous-release.ts';
import { processIdentity } from '../support/process-identity.ts';
import { mustRun } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';

const image = 'docker.io/library/hello:latest';

async function identityOf({ client }: Journey, id: string): Promise<string | undefined> {
  return await processIdentity((await client.containers.inspect(id)).State.Pid);
}

async function upgrade(t: TestContext, end: 'stop' | 'crash'): Promise<void> {
  await using release = await checkOutPreviousRelease();
  if (release === undefined) return t.skip('the history of this checkout does not reach back to the last release');
  t.diagnostic(`from ${release.name}`);
  await using journey = await startJourney([], { tree: release.path });
  const { daemon, client } = journey;
  const ctr = (...words: string[]): Promise<string> => mustRun('ctr', ['--address', daemon.address, ...words]);

  const ticking = await journey.start('hello', ['sh', '-c', tickingScript()], { name: 'ticking' });
  const ending = await journey.start('hello', ['sh', '-c', tickingScript({ turns: 15, exitCode: 7 })]);
  const ended = await journey.start('hello', ['sh', '-c', 'echo done; exit 3'], { name: 'ended' });
  await untilTrue('it has ended', async () => (await client.containers.inspect(ended)).State.Status === 'exited');
  await client.images.tag('hello', { repository: 'other', tag: 'v1' });
  const archive = join(daemon.directory, 'hello.tar');
  await writeFile(archive, await makeHelloArchive());
  await ctr('-n', 'lab', 'images', 'import', archive);
  await ctr('-n', 'lab', 'run', '-d', '--null-io', image, 'alien', 'sleep', '100000');
  const blobs = await ctr('content', 'ls', '-q');
  const snapshots = await ctr('snapshots', 'ls');
  const before = await identityOf(journey, ticking);
  const alien = /alien\s+(\d+)\s+RUNNING/.exec(await ctr('-n', 'lab', 'tasks', 'ls'))?.[1];
  assert(before !== undefined && alien !== undefined);

  await (end === 'stop' ? daemon.stop() : daemon.crash());
  await daemon.start(join(import.meta.dirname, '../..'));

  assert.equal(await identityOf(journey, ticking), before, 'the same process runs on');
  const { out } = await readNumberedLog(client, ticking);
  await untilTrue('the log grows', async () => (await readNumberedLog(client, ticking)).out > out);
  assert.equal((await client.containers.inspect('ended')).State.ExitCode, 3);
  await untilTrue('an exit is noticed', async () => (await client.containers.inspect(ending)).State.ExitCode === 7);
  assert.equal((await readNumberedLog(client, ending)).ended, true);
  assert.match(await ctr('-n', 'lab', 'tasks', 'ls'), new RegExp(`alien\\s+${alien}\\s+RUNNING`));
  assert.equal(await ctr('content', 'ls', '-q'), blobs);
  assert.equal(await ctr('snapshots', 'ls'), snapshots);
  assert.deepEqual(await journey.run('other:v1', ['echo', 'new']), { code: 0, output: 'new\n' });
  await client.containers.stop(ticking);
  assert.equal((await client.containers.inspect(ticking)).State.ExitCode, 42);
  assert.equal((await readNumberedLog(client, ticking)).ended, true);
  await ctr('-n', 'lab', 'tasks', 'rm', '--force', 'alien');
  await ctr('-n', 'lab', 'containers', 'rm', 'alien');
  for (const id of [ticking, ending, ended]) await client.containers.remove(id);
  await journey.assertInOrder();
}

test('a berthd that stops is replaced by a newer one under running containers', (t) => upgrade(t, 'stop'));
test('a berthd that was killed is replaced by a newer one under running containers', (t) => upgrade(t, 'crash'));
