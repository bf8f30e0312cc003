/** Names, ids and requests that cannot be, over both of berthd's sockets. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Containers } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Namespaces } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';
import { Snapshots } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { openClient } from '#/client/client.ts';
import { openGrpcClient } from '#/rpc/grpc-client.ts';
import { startJourney, type Journey } from '../../support/journey.ts';
import { runCommand } from '../../support/run-command.ts';
import { join } from 'node:path';

let journey: Journey;

before(async () => {
  journey = await startJourney();
});

after(async () => {
  await journey[Symbol.asyncDispose]();
});

const none = { NetworkMode: 'none' };

test('a container’s name is refused when it is not one', async () => {
  const { containers } = journey.client;
  for (const name of [
    'a',
    '../../etc',
    'a/b',
    '/../x',
    'with blank',
    '-dash',
    '.dot',
    'ä'.repeat(3),
    'x'.repeat(256),
    'a\u0000b',
  ])
    await assert.rejects(
      containers.create({ Image: 'hello', HostConfig: none }, { name }),
      { kind: 'invalid-argument', message: /Invalid container name \(.*\), only \[a-zA-Z0-9\]/ },
      JSON.stringify(name),
    );
  const { Id } = await containers.create({ Image: 'hello', HostConfig: none }, { name: 'proper' });
  await assert.rejects(containers.rename(Id, '../proper'), { kind: 'invalid-argument' });
  await assert.rejects(containers.create({ Image: 'hello', HostConfig: none }, { name: 'proper' }), {
    kind: 'conflict',
    message: /"\/proper" is already in use by container "[0-9a-f]{64}"/,
  });
  await containers.remove('proper');
  await journey.assertInOrder();
});

test('a container that cannot be made says why and leaves nothing', async () => {
  const { containers } = journey.client;
  const make = (more: object): Promise<unknown> => containers.create({ Image: 'hello', HostConfig: none, ...more });
  await assert.rejects(make({ Image: 'no-such-image' }), {
    kind: 'not-found',
    message: /No such image: no-such-image/,
  });
  await assert.rejects(make({ Image: '../hello' }), /Cannot|No such image|invalid/);
  await assert.rejects(make({ User: 'nobody-knows' }), /nobody-knows/);
  await assert.rejects(make({ Hostname: '../x' }), { kind: 'invalid-argument', message: /hostname "\.\.\/x"/ });
  await assert.rejects(make({ WorkingDir: 'relative' }), /relative/);
  await assert.rejects(make({ Cmd: 7 }), { kind: 'invalid-argument', message: /Cmd/ });
  await assert.rejects(make({ Env: ['A=\u0000'] }), { kind: 'invalid-argument', message: /Env|NUL/ });
  await assert.rejects(make({ HostConfig: { ...none, Binds: ['relative:/x'] } }), /relative/);
  const missing = { Type: 'bind', Source: '/no/such/place', Target: '/x' };
  await assert.rejects(make({ HostConfig: { ...none, Mounts: [missing] } }), /\/no\/such\/place/);
  await assert.rejects(make({ HostConfig: { NetworkMode: 'container:nobody' } }), /network/i);
  await assert.rejects(make({ HostConfig: { ...none, Memory: -5 } }), /Memory|memory/);
  await assert.rejects(make({ HostConfig: { ...none, CapAdd: ['CAP_NONSENSE'] } }), /CAP_NONSENSE/i);
  assert.deepEqual(await containers.list({ all: true }), []);
  await journey.assertInOrder();
});

test('what is not there is not found, by name and by every kind of id', async () => {
  const { containers, images } = journey.client;
  for (const name of ['nobody', '0'.repeat(64), 'ffff'])
    await assert.rejects(containers.start(name), {
      kind: 'not-found',
      message: new RegExp(`No such container: ${name}`),
    });
  await assert.rejects(containers.execs.inspect('nobody'), { kind: 'not-found' });
  await assert.rejects(images.inspect('nobody'), { kind: 'not-found', message: /No such image: nobody/ });
  await assert.rejects(images.tag('hello', { repository: 'UPPER', tag: 'x' }), {
    kind: 'invalid-argument',
    message: /UPPER/,
  });
  await assert.rejects(images.tag('hello', { repository: 'ok', tag: '../x' }), { kind: 'invalid-argument' });
});

test('a request that is none is refused, and the next is served', async () => {
  const socket = join(journey.daemon.state, 'docker.sock');
  const ask = async (...args: string[]): Promise<string> =>
    (await runCommand('curl', ['-s', '--unix-socket', socket, ...args])).stdout;
  const json = ['-H', 'Content-Type: application/json'];
  assert.match(
    await ask('-X', 'POST', ...json, '-d', '{"Image":', 'http://d/containers/create'),
    /"message":"Cannot .*JSON/,
  );
  assert.match(await ask('-X', 'POST', ...json, '-d', '[]', 'http://d/containers/create'), /"message":/);
  assert.match(await ask('http://d/v1.99/version'), /"message":".*1\.51/);
  assert.match(await ask('http://d/no/such/route'), /"message":/);
  assert.match(await ask('http://d/containers/json?filters=%7B'), /"message":/);
  assert.match(await ask('--path-as-is', 'http://d/containers/../../etc/passwd/json'), /"message":/);
  assert.match(await ask('-H', 'X-Berth-Namespace: ../evil', 'http://d/containers/json'), /"message":".*namespace/);
  const foreign = openClient({ socketPath: socket, namespace: 'other' });
  assert.deepEqual(await foreign.containers.list({ all: true }), []);
  await journey.assertInOrder();
});

test('containerd’s API refuses names, keys and digests that are none', async () => {
  await using client = await openGrpcClient(journey.daemon.address);
  const metadata = { 'containerd-namespace': 'default' };
  const bad = ['../evil', '', 'a/b', '-a', 'x'.repeat(100)];
  for (const name of bad) {
    await assert.rejects(client.unary(Namespaces.method.create, { namespace: { name } }), { kind: 'invalid-argument' });
    const container = {
      id: name,
      runtime: { name: 'io.containerd.runc.v2' },
      spec: { typeUrl: 't', value: new Uint8Array() },
    };
    await assert.rejects(client.unary(Containers.method.create, { container }, { metadata }), {
      kind: 'invalid-argument',
    });
  }
  await assert.rejects(client.unary(Containers.method.list, {}, { metadata: { 'containerd-namespace': '../evil' } }), {
    kind: 'invalid-argument',
  });
  for (const digest of ['sha256:../../../etc/passwd', 'md5:abc', 'sha256:ABC', ''])
    await assert.rejects(client.unary(Content.method.info, { digest }, { metadata }), { kind: 'invalid-argument' });
  await assert.rejects(
    client.unary(Snapshots.method.prepare, { snapshotter: '../overlayfs', key: 'k' }, { metadata }),
    /overlayfs/,
  );
  await assert.rejects(
    client.unary(Snapshots.method.prepare, { snapshotter: 'overlayfs', key: 'k'.repeat(5000) }, { metadata }),
    { kind: 'invalid-argument' },
  );
  await assert.rejects(client.unary(Tasks.method.create, { containerId: '../evil' }, { metadata }), /evil/);
  await assert.rejects(client.unary(Tasks.method.start, { containerId: 'nobody' }, { metadata }), {
    kind: 'not-found',
  });
  await journey.assertInOrder();
});
