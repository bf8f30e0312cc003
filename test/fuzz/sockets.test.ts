/**
 * Whole conversations with a live berthd on each of its sockets, recorded from real calls and then hurt: whatever
 * comes, berthd goes on answering everybody else. `BERTH_FUZZ_SEED` and `BERTH_FUZZ_SECONDS` as in fuzz.test.ts.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { openClient } from '#/client/client.ts';
import { Containers } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Events } from '#/gen/containerd/services/events/ttrpc/v1/events_pb.ts';
import { Namespaces } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';
import { Version } from '#/gen/containerd/services/version/v1/version_pb.ts';
import { openGrpcClient } from '#/rpc/grpc-client.ts';
import { openTtrpcClient } from '#/rpc/ttrpc-client.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { createRandom } from '../support/random.ts';
import { mutate } from './mutate.ts';

const seed = Number(process.env['BERTH_FUZZ_SEED'] ?? randomInt(2 ** 31));
const milliseconds = 1000 * Number(process.env['BERTH_FUZZ_SECONDS'] ?? 0);
const conversations = 150;

/** The bytes that a client sends to a socket during a conversation. */
async function record(target: string, path: string, talk: (path: string) => Promise<void>): Promise<Buffer> {
  const sent: Buffer[] = [];
  const server = createServer((client) => {
    const upstream = connect(target);
    client.on('data', (chunk: Buffer) => sent.push(chunk));
    for (const side of [client, upstream]) side.on('error', () => {});
    client.pipe(upstream).pipe(client);
  });
  server.listen(path);
  await once(server, 'listening');
  try {
    await talk(path);
  } finally {
    server.close();
  }
  return Buffer.concat(sent);
}

async function say(path: string, bytes: Buffer): Promise<void> {
  const socket: Socket = connect(path);
  socket.on('error', () => {});
  socket.on('data', () => {});
  socket.end(bytes);
  const limit = setTimeout(() => socket.destroy(), 100);
  await once(socket, 'close');
  clearTimeout(limit);
}

async function assertAnswers(daemon: Berthd): Promise<void> {
  await using grpc = await openGrpcClient(daemon.address);
  assert.match((await grpc.unary(Version.method.version, {})).version, /^v/);
  assert.equal((await openClient({ socketPath: join(daemon.state, 'docker.sock') }).system.ping()).osType, 'linux');
}

async function talkDocker(path: string): Promise<void> {
  const client = openClient({ socketPath: path });
  await client.system.ping();
  await client.images.list();
  await client.containers.create({ Image: 'nope', Cmd: ['true'] }).catch(() => {});
}

async function talkGrpc(path: string): Promise<void> {
  await using grpc = await openGrpcClient(path);
  const metadata = { 'containerd-namespace': 'fuzz' };
  await grpc.unary(Version.method.version, {});
  await grpc.unary(Namespaces.method.list, {});
  await grpc.unary(Containers.method.list, { filters: ['labels.a==b'] }, { metadata }).catch(() => {});
  await Array.fromAsync(grpc.serverStream(Content.method.list, { filters: [] }, { metadata })).catch(() => {});
}

async function talkTtrpc(path: string): Promise<void> {
  await using ttrpc = await openTtrpcClient(path);
  await ttrpc.call(Events.method.forward, { envelope: { namespace: 'fuzz', topic: '/x' } }).catch(() => {});
}

test(`berthd answers on while its sockets are told nonsense (seed ${seed})`, async (t) => {
  await using daemon = await startBerthd(['--log-level', 'error']);
  const random = createRandom(seed);
  const faces = [
    { path: join(daemon.state, 'docker.sock'), talk: talkDocker },
    { path: daemon.address, talk: talkGrpc },
    { path: `${daemon.address}.ttrpc`, talk: talkTtrpc },
  ];
  const { pid } = daemon;
  for (const [at, { path, talk }] of faces.entries()) {
    const recorded = await record(path, join(daemon.directory, `tap-${at}`), talk);
    assert(recorded.length > 20, 'there is something to hurt');
    const pool = [recorded];
    const deadline = performance.now() + milliseconds;
    let count = 0;
    for (; count < conversations || performance.now() < deadline; count += 10) {
      await Promise.all(Array.from({ length: 10 }, () => say(path, mutate(recorded, { random, pool, words: [] }))));
      await assertAnswers(daemon);
    }
    t.diagnostic(`${path}: ${count} conversations`);
  }
  assert.equal(daemon.pid, pid, 'it is the same berthd');
});
