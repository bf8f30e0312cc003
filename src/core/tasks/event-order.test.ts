import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { CoreEvent, Envelope } from '#/core/events/contract.ts';
import { createEvents } from '#/core/events/create-events.ts';
import { EventOrder } from '#/core/tasks/event-order.ts';
import { RunningTask } from '#/core/tasks/running-task.ts';
import { decodeTaskEvent } from '#/core/tasks/task-events.ts';
import { Registry } from '#/core/tasks/registry.ts';
import { TaskExitSchema } from '#/gen/containerd/events/task_pb.ts';
import { packMessage } from '#/rpc/any.ts';

const exit = { pid: 7, exitStatus: 3, exitedAt: 5n };
const exited: CoreEvent = { topic: '/tasks/exit', containerId: 'one', id: 'one', ...exit };

function runningTask(id: string): RunningTask {
  return new RunningTask({
    bundle: { key: { namespace: 'ns', id }, path: '', work: '' },
    binary: '',
    endpoint: { version: 2, address: '', protocol: 'ttrpc' },
    shim: { call: () => Promise.reject(new Error('unused')), closed: Promise.resolve(), close: () => {} },
    log: { [Symbol.dispose]: () => {} },
    pid: 7,
  });
}

const envelope = (event: Envelope['event']): Envelope => ({ timestamp: 1n, namespace: 'ns', event });

test('EventOrder holds an exit until it is known here, and what follows behind it', async () => {
  const events = createEvents();
  const registry = new Registry<RunningTask>('task');
  const task = runningTask('one');
  registry.add(task);
  const order = new EventOrder(events, registry);
  const topics = (): string[] => events.history(0n).map(({ event }) => event.topic);
  order.forward(envelope({ topic: '/tasks/start', containerId: 'one', pid: 7 }));
  order.forward(envelope(exited));
  order.forward(envelope({ ...exited, topic: '/tasks/delete' }));
  order.forward(envelope({ topic: '/tasks/start', containerId: 'other', pid: 8 }));
  await turn();
  assert.deepEqual(topics(), ['/tasks/start', '/tasks/start']);
  task.init.finish(exit);
  await turn();
  assert.deepEqual(topics(), ['/tasks/start', '/tasks/start', '/tasks/exit', '/tasks/delete']);
});

test('EventOrder lets an exit go after two seconds that nobody told of', async () => {
  const events = createEvents();
  const registry = new Registry<RunningTask>('task');
  registry.add(runningTask('one'));
  new EventOrder(events, registry).forward(envelope(exited));
  for await (const { event } of events.subscribe(AbortSignal.timeout(4000))) {
    assert.equal(event.topic, '/tasks/exit');
    return;
  }
  assert.fail('the exit was never published');
});

test('decodeTaskEvent() keeps the message whole, and passes on what it does not know', () => {
  const time = { seconds: 2n, nanos: 5 };
  const value = packMessage(TaskExitSchema, { containerId: 'one', id: 'x', pid: 4, exitStatus: 9, exitedAt: time });
  assert.deepEqual(decodeTaskEvent('/tasks/exit', value), {
    topic: '/tasks/exit',
    containerId: 'one',
    id: 'x',
    pid: 4,
    exitStatus: 9,
    exitedAt: 2_000_000_005n,
    original: value,
  });
  assert.deepEqual(decodeTaskEvent('/tasks/future', value), { topic: '/tasks/future', foreign: value });
  const broken = { typeUrl: 'containerd.events.TaskExit', value: Buffer.from([255]) };
  assert.deepEqual(decodeTaskEvent('/tasks/exit', broken), { topic: '/tasks/exit', foreign: broken });
});
