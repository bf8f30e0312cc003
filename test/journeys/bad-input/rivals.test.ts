/** A second berthd on the root of the first. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { startJourney } from '../../support/journey.ts';
import { processIdentity } from '../../support/process-identity.ts';
import { runCommand } from '../../support/run-command.ts';

const main = resolve(import.meta.dirname, '../../../src/daemon/main.ts');

test('a second berthd on the same root, or on the same sockets, ends with a clear error and harms nothing', async () => {
  await using journey = await startJourney();
  const { daemon, client } = journey;
  const id = await journey.start('hello', ['sleep', '1000']);
  const { Pid } = (await client.containers.inspect(id)).State;
  const before = await processIdentity(Pid);
  const rival = async (...flags: string[]): Promise<{ code: number | null; stderr: string }> =>
    runCommand(process.execPath, [main, ...flags], { timeoutMs: 20_000 });

  const sameRoot = await rival('--root', daemon.root, '--state', join(daemon.directory, 'other-state'));
  assert.equal(sameRoot.code, 1, sameRoot.stderr);
  assert.match(sameRoot.stderr, /Cannot use root ".*": another berthd runs on it; stop that one, or choose another/);

  const sameAll = await rival('--root', daemon.root, '--state', daemon.state);
  assert.equal(sameAll.code, 1, sameAll.stderr);

  const sameState = await rival('--root', join(daemon.directory, 'other-root'), '--state', daemon.state);
  assert.equal(sameState.code, 1, sameState.stderr);
  assert.match(sameState.stderr, new RegExp(`Cannot .*"${daemon.state}.*".*another`));

  assert.equal(await processIdentity(Pid), before);
  assert.equal((await client.containers.inspect(id)).State.Running, true);
  const { Id } = await client.containers.execs.create(id, { Cmd: ['true'], AttachStdout: true });
  using stream = await client.containers.execs.startAttached(Id, { tty: false });
  await Array.fromAsync(stream.incoming);
  assert.equal((await client.containers.execs.inspect(Id)).ExitCode, 0);
  await journey.assertInOrder();
});

test('a berthd that was killed does not keep the next one out', async () => {
  await using journey = await startJourney();
  await journey.daemon.crash();
  await journey.daemon.start();
  await journey.assertInOrder();
});
