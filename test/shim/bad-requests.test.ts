/**
 * The real shim, with sanitizers in it, among clients that break every rule: nothing that comes over its socket ends it,
 * its container is none the worse, and nothing of theirs stays.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import * as messages from '#/gen/containerd/task/v3/shim_pb.ts';
import { isAlive } from '#/linux/process.ts';
import { mutate } from '../fuzz/mutate.ts';
import { createRandom } from '../support/random.ts';
import { openRawTtrpc, rawFrame, rawRequest } from '../support/raw-ttrpc.ts';
import { untilTrue } from '../support/until.ts';

const root = join(import.meta.dirname, '../..');
const seed = Number(process.env['BERTH_FUZZ_SEED'] ?? randomInt(2 ** 31));
const conversations = 400;

/** A request for a container that is not there: a hurt one must not reach the one that is. */
function request<D extends DescMessage>(method: string, schema: D, fields: MessageInitShape<D>): Buffer {
  return Buffer.from(
    rawRequest({ method, payload: toBinary(schema, create(schema, fields)), timeoutNano: 50_000_000n }),
  );
}

const id = 'absent';
const execId = 'e';
const spec = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  value: Buffer.from('{"args":["a"]}'),
};
const requests: readonly Buffer[] = [
  request('Exec', messages.ExecProcessRequestSchema, { id, execId, spec, stdout: 'berth:///x?log=/y' }),
  request('Start', messages.StartRequestSchema, { id, execId }),
  request('Kill', messages.KillRequestSchema, { id, signal: 15, all: true }),
  request('Update', messages.UpdateTaskRequestSchema, { id, resources: spec, annotations: { a: 'b' } }),
  request('Checkpoint', messages.CheckpointTaskRequestSchema, { id, path: '/absent', options: spec }),
  request('ResizePty', messages.ResizePtyRequestSchema, { id, width: 1, height: 1 }),
  request('CloseIO', messages.CloseIORequestSchema, { id, stdin: true }),
  ...['State', 'Wait', 'Pids', 'Stats', 'Pause', 'Resume', 'Delete', 'Connect'].map((method) =>
    request(method, messages.StateRequestSchema, { id, execId }),
  ),
];

async function pester(path: string, bytes: Buffer): Promise<void> {
  using client = await openRawTtrpc(path);
  client.send(bytes);
  client.send(rawFrame({ stream: 0x7fff_ffff, payload: requests[0] ?? bytes }));
  client.socket.end();
  await client.closed;
}

test(`a shim among hostile clients lives on, and so does its container (seed ${seed})`, async () => {
  execFileSync('make', ['-s', '-C', join(root, 'native'), 'sanitize']);
  await using reports = await mkdtempDisposable(join(tmpdir(), 'sanitizers-'));
  process.env['BERTH_TEST_SHIM'] = join(root, 'build/sanitize/containerd-shim-berth-v1');
  process.env['ASAN_OPTIONS'] = `log_path=${reports.path}/report`;
  const { openShimPlace, rootfsOf, task } = await import('../support/shim.ts');
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const ours = { id: bundle.id };
  await shim.call(task.create, { ...ours, bundle: bundle.path, rootfs: rootfsOf(shims) });
  const { pid } = await shim.call(task.start, ours);
  const descriptors = (): number => readdirSync(`/proc/${shim.pid}/fd`).length;
  const before = descriptors();

  const random = createRandom(seed);
  const frames = requests.map((payload, index) => rawFrame({ stream: 2 * index + 1, payload }));
  for (let count = 0; count < conversations; count++) {
    const [payload, whole] = [random.pick(requests), Buffer.concat(frames)];
    const hurt = { random, pool: requests, words: [] };
    if (payload !== undefined && count % 2 === 0)
      await pester(
        shim.endpoint.address.replace('unix://', ''),
        rawFrame({ stream: 1, payload: mutate(payload, hurt) }),
      );
    else await pester(shim.endpoint.address.replace('unix://', ''), mutate(whole, hurt));
  }

  assert.deepEqual(readdirSync(reports.path), []);
  assert.equal((await shim.call(task.state, ours)).pid, pid);
  assert.equal((await shim.call(task.state, ours)).status, 2);
  await untilTrue('every connection is closed', async () => descriptors() === before);
  await shim.call(task.kill, { ...ours, signal: 9 });
  assert.equal((await shim.call(task.wait, ours)).exitStatus, 137);
  await shim.call(task.delete, ours);
  await shim.call(task.shutdown, ours);
  await untilTrue('end of the shim', async () => !(await isAlive(shim.pid)));
  const said = readdirSync(reports.path).map((name) => readFileSync(join(reports.path, name), 'utf8'));
  assert.deepEqual(said, []);
});
