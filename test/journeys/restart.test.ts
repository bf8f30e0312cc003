/** berthd stops and starts again; people's containers do not notice, and people lose nothing. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { demultiplex } from '#/client/stdio-frames.ts';
import { startJourney, type Journey } from '../support/journey.ts';
import { checkNumbered, readNumberedLog, tickingScript } from '../support/numbered-lines.ts';
import { processIdentity } from '../support/process-identity.ts';
import { until, untilTrue } from '../support/until.ts';

let journey: Journey;

before(async () => {
  journey = await startJourney();
});

after(async () => {
  await journey[Symbol.asyncDispose]();
});

const ticking = (turns?: number, exitCode?: number): string[] => [
  'sh',
  '-c',
  tickingScript({ ...(turns === undefined ? {} : { turns }), ...(exitCode === undefined ? {} : { exitCode }) }),
];

const stateOf = async (id: string): Promise<{ Status: string; ExitCode: number; Pid: number }> =>
  (await journey.client.containers.inspect(id)).State;

async function collect(frames: AsyncIterable<Buffer>): Promise<{ stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  for await (const { stream, data } of demultiplex(frames)) texts[stream] += data.toString();
  return texts;
}

test('SIGTERM ends berthd with code 0 and leaves containers running, their logs complete', async () => {
  const { client, daemon } = journey;
  const id = await journey.start('hello', ticking());
  const { Pid } = await stateOf(id);
  const before = await processIdentity(Pid);
  assert.equal(await daemon.stop(), 0);
  assert.equal(await processIdentity(Pid), before);
  await delay(300);
  await daemon.start();
  assert.equal((await stateOf(id)).Pid, Pid);
  assert.equal(await processIdentity(Pid), before);
  const { out } = await readNumberedLog(client, id);
  await untilTrue('the log grows', async () => (await readNumberedLog(client, id)).out > out);
  await client.containers.stop(id);
  assert.equal((await stateOf(id)).ExitCode, 42);
  assert.equal((await readNumberedLog(client, id)).ended, true);
  await client.containers.remove(id);
  await journey.assertInOrder();
});

test('SIGTERM ends calls that wait by an error or the end of the stream, never by a made-up exit', async () => {
  const { client, daemon } = journey;
  const id = await journey.start('hello', ticking());
  const { result } = await client.containers.wait(id);
  const following = collect(await client.containers.logs(id, { follow: true })).then(
    () => 'ended',
    () => 'failed',
  );
  await daemon.stop();
  await assert.rejects(result);
  assert(['ended', 'failed'].includes(await following));
  await daemon.start();
  assert.equal((await stateOf(id)).Status, 'running');
  await client.containers.remove(id, { force: true });
});

test('what ends while berthd is away has its exit code and its whole log at the next start', async () => {
  const { client, daemon } = journey;
  const own = await journey.start('hello', ticking(3, 7));
  const killed = await journey.start('hello', ticking());
  const { Pid } = await stateOf(killed);
  await daemon.crash();
  process.kill(Pid, 'SIGKILL');
  await delay(800);
  await daemon.start();
  for (const [id, code] of [
    [own, 7],
    [killed, 137],
  ] as const) {
    const { result } = await client.containers.wait(id);
    assert.equal((await result).StatusCode, code);
    const { Status, ExitCode } = await stateOf(id);
    assert.deepEqual([Status, ExitCode], ['exited', code]);
  }
  const { out, err, ended } = await readNumberedLog(client, own);
  assert.deepEqual({ out, err, ended }, { out: 60, err: 3, ended: true });
  await readNumberedLog(client, killed);
  for (const id of [own, killed]) await client.containers.remove(id);
  await journey.assertInOrder();
});

test('a container to be removed at its end goes when that came while berthd was away', async () => {
  const { client, daemon } = journey;
  const id = await journey.start('hello', ticking(3, 7), { name: 'fleeting', autoRemove: true });
  const staying = await journey.start('hello', ticking(), { autoRemove: true });
  await daemon.stop();
  await delay(800);
  await daemon.start();
  await untilTrue('the container is removed', async () => {
    const all = await client.containers.list({ all: true });
    return !all.some(({ Id }) => Id === id);
  });
  assert.equal((await stateOf(staying)).Status, 'running');
  const again = await journey.start('hello', ['true'], { name: 'fleeting' });
  await (
    await client.containers.wait(again)
  ).result;
  await client.containers.remove(again);
  await client.containers.stop(staying);
  await until('the other is removed when it ends', async () =>
    client.containers.inspect(staying).then(
      () => undefined,
      () => true,
    ),
  );
  await journey.assertInOrder();
});

/** As a berthd leaves it that dies between recording an end and what follows from it. */
function recordEnd(root: string, id: string, exitCode: number): void {
  using database = new DatabaseSync(join(root, 'io.containerd.metadata.v1.sqlite/meta.db'));
  const row = database.prepare('SELECT extensions FROM containers WHERE id = ?').get(id);
  const extensions = JSON.parse(String(row?.['extensions'])) as Record<string, { value: string }>;
  const state = extensions['io.berth.engine.v1.State'];
  assert(state !== undefined);
  const { startedAt } = JSON.parse(Buffer.from(state.value, 'base64').toString()) as { readonly startedAt: string };
  const times = { startedAt, finishedAt: '2026-01-02T03:04:05Z' };
  const ended = { kind: 'exited', exitCode, error: '', oomKilled: false, ...times };
  state.value = Buffer.from(JSON.stringify(ended)).toString('base64');
  database.prepare('UPDATE containers SET extensions = ? WHERE id = ?').run(JSON.stringify(extensions), id);
}

test('an end that was on record when berthd died is neither told anew nor left half-done', async () => {
  const { client, daemon } = journey;
  const kept = await journey.start('hello', ticking(2, 7));
  const fleeting = await journey.start('hello', ticking(2, 8), { autoRemove: true });
  await daemon.crash();
  await delay(600);
  recordEnd(daemon.root, kept, 7);
  recordEnd(daemon.root, fleeting, 8);
  await daemon.start();
  const { State } = await client.containers.inspect(kept);
  const { Status, ExitCode, FinishedAt } = State as typeof State & { readonly FinishedAt: string };
  assert.deepEqual([Status, ExitCode, FinishedAt], ['exited', 7, '2026-01-02T03:04:05Z']);
  await assert.rejects(client.containers.inspect(fleeting), { kind: 'not-found' });
  await journey.assertInOrder();
  await client.containers.remove(kept);
});

test('a paused container stays paused, and goes on where it was', async () => {
  const { client, daemon } = journey;
  const id = await journey.start('hello', ticking());
  await client.containers.pause(id);
  // What was written before is still on its way through shim and log.
  await delay(300);
  const { out } = await readNumberedLog(client, id);
  await daemon.crash();
  await daemon.start();
  assert.equal((await stateOf(id)).Status, 'paused');
  await delay(300);
  assert.equal((await readNumberedLog(client, id)).out, out);
  await client.containers.unpause(id);
  await untilTrue('the log grows', async () => (await readNumberedLog(client, id)).out > out);
  await client.containers.stop(id);
  await client.containers.remove(id);
});

test('logs are followed to the end after a restart', async () => {
  const { client, daemon } = journey;
  const id = await journey.start('hello', ticking(15, 7));
  await daemon.crash();
  await daemon.start();
  const { stdout, stderr } = await collect(await client.containers.logs(id, { follow: true }));
  const { out, err, ended } = checkNumbered(stdout, stderr);
  assert.deepEqual({ out, err, ended }, { out: 300, err: 15, ended: true });
  await client.containers.remove(id);
});

test('attach after a restart gets everything from then on, and the end', async () => {
  const { client, daemon } = journey;
  const id = await journey.start('hello', ticking(60, 7));
  await daemon.crash();
  await daemon.start();
  using attached = await client.containers.attach(id, { stdout: true, stderr: true });
  const { stdout } = await collect(attached.incoming);
  const lines = stdout.split('\n').slice(0, -1);
  assert.equal(lines.at(-1), 'end 1200');
  const first = Number(lines[0]?.split(' ')[1]);
  assert(first > 1 && first < 1200, `attached at line ${first}`);
  assert.deepEqual(
    lines.slice(0, -1),
    Array.from({ length: 1201 - first }, (_, at) => `out ${first + at}`),
  );
  assert.equal((await readNumberedLog(client, id)).out, 1200);
  await client.containers.remove(id);
});

test('a shell on a terminal takes input after a restart', async () => {
  const { client, daemon } = journey;
  const id = await journey.start('hello', ['sh'], { tty: true, stdin: true });
  await daemon.crash();
  await daemon.start();
  using attached = await client.containers.attach(id, { stdin: true, stdout: true });
  await attached.write(Buffer.from('echo $((6*7)); exit 5\n'));
  let text = '';
  for await (const chunk of attached.incoming) text += chunk.toString();
  assert.match(text, /42/);
  const { result } = await client.containers.wait(id);
  assert.equal((await result).StatusCode, 5);
  await client.containers.remove(id);
  await journey.assertInOrder();
});

test('a process that was execed before a restart is known after it, and leaves nothing when it ends', async () => {
  const { client, daemon } = journey;
  const { execs } = client.containers;
  const id = await journey.start('hello', ticking());
  const waiting = ['sh', '-c', 'until test -e /tmp/go; do sleep 0.1; done; exit 6'];
  const { Id } = await execs.create(id, { Cmd: waiting });
  await execs.startDetached(Id, { tty: false });
  const before = await execs.inspect(Id);
  await daemon.crash();
  await daemon.start();
  const after = await execs.inspect(Id);
  assert.deepEqual([after.Running, after.Pid], [true, before.Pid]);
  const { Id: go } = await execs.create(id, { Cmd: ['touch', '/tmp/go'] });
  await execs.startDetached(go, { tty: false });
  await untilTrue('its end is known', async () => (await execs.inspect(Id)).ExitCode === 6);
  await journey.assertInOrder();
  await client.containers.remove(id, { force: true });
  await journey.assertInOrder();
});

test('names, labels and stopped containers are there after a restart, and start again', async () => {
  const { client, daemon } = journey;
  const id = await journey.start('hello', ticking(2, 3), { name: 'twice' });
  await (
    await client.containers.wait(id)
  ).result;
  await daemon.stop();
  await daemon.start();
  const { Name, State } = await client.containers.inspect('twice');
  assert.deepEqual([Name, State.Status, State.ExitCode], ['/twice', 'exited', 3]);
  const { result } = await client.containers.wait('twice', 'next-exit');
  await client.containers.start('twice');
  assert.equal((await result).StatusCode, 3);
  await client.containers.remove('twice');
  await journey.assertInOrder();
});
