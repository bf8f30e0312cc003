import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessKey } from '#/core/tasks/contract.ts';
import { noStdio, openTaskDaemon, openTaskPlace, processFor, putContainer } from '#/core/tasks/tasks.fixture.ts';
import { specFor, type TaskDaemon } from '#/core/tasks/tasks.fixture.ts';
import { isAlive } from '#/linux/process.ts';
import { jsonTypeUrls, packJson } from '#/rpc/any.ts';

test(
  'processes added to a container are there for the next daemon: new, running and ended ones',
  { timeout: 60_000 },
  async () => {
    await using place = await openTaskPlace();
    const { namespace, rootfs } = place;
    const key = (execId: string): ProcessKey => ({ namespace, id: 'one', execId });
    const add = async ({ tasks }: TaskDaemon, execId: string, ...args: string[]): Promise<void> =>
      await tasks.exec(namespace, 'one', {
        execId,
        process: packJson(jsonTypeUrls.process, processFor(args)),
        stdio: noStdio,
      });
    let ending = 0;
    {
      await using daemon = await openTaskDaemon(place);
      const { tasks } = daemon;
      await putContainer(daemon, namespace, 'one', specFor(namespace, 'one', ['/bin/sleep', '1000']));
      await tasks.create(namespace, 'one', { rootfs, stdio: noStdio });
      await tasks.start(key(''));
      await add(daemon, 'new', '/bin/sh', '-c', 'exit 4');
      await add(daemon, 'runs', '/bin/sleep', '1000');
      await add(daemon, 'ends', '/bin/sh', '-c', 'sleep 0.5; exit 5');
      await tasks.start(key('runs'));
      ending = (await tasks.start(key('ends'))).pid;
    }
    while (await isAlive(ending)) await delay(20);
    await using next = await openTaskDaemon(place);
    const { tasks } = next;
    assert.equal((await tasks.wait(key('ends'))).exitStatus, 5);
    assert.deepEqual(
      await Promise.all(['new', 'runs', 'ends'].map(async (id) => (await tasks.state(key(id))).status)),
      ['created', 'running', 'stopped'],
    );
    await assert.rejects(add(next, 'runs', '/bin/true'), { kind: 'already-exists' });
    assert.equal((await tasks.deleteExec(namespace, 'one', 'ends')).exitStatus, 5);
    await tasks.start(key('new'));
    assert.equal((await tasks.wait(key('new'))).exitStatus, 4);
    const waited = tasks.wait(key('runs'));
    await tasks.kill(key('runs'), 9);
    assert.equal((await waited).exitStatus, 137);
    await assert.rejects(tasks.kill(key('runs'), 9), { kind: 'not-found' });
    await tasks.kill(key(''), 9, { all: true });
    await tasks.wait(key(''));
    await tasks.delete(namespace, 'one');
  },
);
