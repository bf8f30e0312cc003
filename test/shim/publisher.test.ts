/** The shim's event publisher from outside: what the daemon's ttrpc socket is told, however the daemon behaves. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { EngineError } from '#/base/errors.ts';
import { silentLogger } from '#/base/log.ts';
import { TaskExitSchema, TaskStartSchema } from '#/gen/containerd/events/task_pb.ts';
import { Events } from '#/gen/containerd/services/events/ttrpc/v1/events_pb.ts';
import { Task } from '#/gen/containerd/task/v3/shim_pb.ts';
import type { Envelope } from '#/gen/containerd/types/event_pb.ts';
import { bindService } from '#/rpc/service.ts';
import type { TtrpcClient } from '#/rpc/ttrpc-client.ts';
import { openTtrpcClient } from '#/rpc/ttrpc-client.ts';
import { TtrpcFrameReader } from '#/rpc/ttrpc-frame.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';
import { rawFrame } from '../support/raw-ttrpc.ts';
import { untilTrue } from '../support/until.ts';
import { buildRpcServer, startRpcServer } from './rpc-server.ts';

const program = buildRpcServer();

interface Daemon extends AsyncDisposable {
  readonly heard: Envelope[];
}

/** A daemon's ttrpc socket; `refuse` says whether an event is answered with an error. */
async function openDaemon(path: string, refuse: (event: Envelope) => boolean = () => false): Promise<Daemon> {
  const heard: Envelope[] = [];
  const events = bindService(Events, {
    forward({ envelope }) {
      assert.ok(envelope !== undefined);
      heard.push(envelope);
      if (refuse(envelope)) throw new EngineError('internal', 'Cannot take an event: the test says so');
      return {};
    },
  });
  const server = createTtrpcServer({ services: [events], logger: silentLogger });
  await server.listen({ path });
  return { heard, [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose]() };
}

const pidOf = ({ topic, event }: Envelope): number =>
  fromBinary(topic === '/tasks/exit' ? TaskExitSchema : TaskStartSchema, event?.value ?? new Uint8Array()).pid;

const publishStarts = async (client: TtrpcClient, count: number): Promise<unknown> =>
  client.call(Task.method.start, { id: 'c', execId: String(count) });
const publishExits = async (client: TtrpcClient, count: number): Promise<unknown> =>
  client.call(Task.method.delete, { id: 'c', execId: String(count) });
const droppedBy = async (client: TtrpcClient): Promise<string> =>
  (await client.call(Task.method.connect, { id: '' })).version;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** A daemon that hears calls but answers none while `isMute`. */
async function openMute(path: string, isMute: () => boolean): Promise<AsyncDisposable & Mute> {
  let calls = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const reader = new TtrpcFrameReader();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const { streamId } of reader.push(chunk)) {
        calls += 1;
        if (!isMute()) socket.write(rawFrame({ stream: streamId, type: 2 }));
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    calls: () => calls,
    hangUp: () => sockets.forEach((socket) => socket.destroy()),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Mute {
  readonly calls: () => number;
  readonly hangUp: () => void;
}

test('events are told in order, each with its type, time and namespace', async () => {
  await using shim = await startRpcServer(program);
  await using daemon = await openDaemon(shim.events);
  await using client = await openTtrpcClient(shim.path);
  const before = BigInt(Math.floor(Date.now() / 1000));
  await publishStarts(client, 500);
  await untilTrue('all events', async () => daemon.heard.length === 500);
  assert.deepEqual(daemon.heard.map(pidOf), numbers(500));
  const [first] = daemon.heard;
  assert.deepEqual(
    [first?.topic, first?.namespace, first?.event?.typeUrl],
    ['/tasks/start', 'trial', 'containerd.events.TaskStart'],
  );
  assert.ok((first?.timestamp?.seconds ?? 0n) >= before);
});

test('what happens while the daemon is away is told when it is back at the same path', async () => {
  await using shim = await startRpcServer(program);
  await using client = await openTtrpcClient(shim.path);
  {
    await using daemon = await openDaemon(shim.events);
    await publishStarts(client, 3);
    await untilTrue('the first events', async () => daemon.heard.length === 3);
  }
  await publishExits(client, 4);
  await using daemon = await openDaemon(shim.events);
  await untilTrue('the others', async () => daemon.heard.length === 4);
  assert.deepEqual(daemon.heard.map(pidOf), numbers(4));
});

test('a daemon that restarted while nothing happened is told the next event at once', async () => {
  await using shim = await startRpcServer(program);
  await using client = await openTtrpcClient(shim.path);
  for (let round = 0; round < 5; round++) {
    await using daemon = await openDaemon(shim.events);
    await publishStarts(client, 2);
    await untilTrue('both events', async () => daemon.heard.length === 2);
  }
});

test('while the daemon is away for long, exits are kept, others give way, and nothing is lost in silence', async () => {
  await using shim = await startRpcServer(program);
  await using client = await openTtrpcClient(shim.path);
  for (let round = 0; round < 5; round++) await publishStarts(client, 1000);
  await publishExits(client, 1500);
  await publishStarts(client, 1000);
  assert.match(await droppedBy(client), /^5452, exits: 0, last: \/tasks\/start: too many events wait/);
  await using daemon = await openDaemon(shim.events);
  await untilTrue('what was kept', async () => daemon.heard.length === 2048, 60_000);
  assert.equal(daemon.heard.filter(({ topic }) => topic === '/tasks/exit').length, 1500);
});

test('an event that is answered with errors is tried again, then given up, and the next ones are told', async () => {
  await using shim = await startRpcServer(program);
  await using daemon = await openDaemon(shim.events, (event) => pidOf(event) === 0);
  await using client = await openTtrpcClient(shim.path);
  await publishStarts(client, 2);
  await untilTrue('the second event', async () => daemon.heard.some((event) => pidOf(event) === 1), 40_000);
  assert.deepEqual(daemon.heard.map(pidOf), [0, 0, 0, 0, 0, 0, 1]);
  assert.match(await droppedBy(client), /^1, exits: 0, last: \/tasks\/start: Cannot take an event/);
});

test('a daemon that hangs up in the middle of a call is told again', async () => {
  await using shim = await startRpcServer(program);
  await using client = await openTtrpcClient(shim.path);
  let mute = true;
  await using daemon = await openMute(shim.events, () => mute);
  await publishExits(client, 2);
  await untilTrue('a call', async () => daemon.calls() === 1);
  mute = false;
  daemon.hangUp();
  await untilTrue('both events', async () => daemon.calls() === 3);
});

test('without a daemon to tell, events are given up at once', async () => {
  await using shim = await startRpcServer(program, '');
  await using client = await openTtrpcClient(shim.path);
  await publishExits(client, 3);
  assert.match(await droppedBy(client), /^3, exits: 3, last: \/tasks\/exit: nobody is to be told/);
  await client.call(Task.method.shutdown, { id: '' });
  assert.deepEqual(await shim.ended(), { code: 0, complaint: '' });
});

test('the shim ends when its events are told, or after a second without a daemon', async () => {
  await using told = await startRpcServer(program);
  await using untold = await startRpcServer(program);
  await using daemon = await openDaemon(told.events);
  for (const shim of [told, untold]) {
    await using client = await openTtrpcClient(shim.path);
    await publishExits(client, 100);
    await client.call(Task.method.shutdown, { id: '' });
    assert.deepEqual(await shim.ended(), { code: 0, complaint: '' });
  }
  assert.equal(daemon.heard.length, 100);
});
