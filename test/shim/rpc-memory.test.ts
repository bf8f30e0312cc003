/** What clients can make the real shim hold, and that it lets go of it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { StateRequestSchema } from '#/gen/containerd/task/v3/shim_pb.ts';
import { openRawTtrpc, rawFrame, rawRequest } from '../support/raw-ttrpc.ts';
import type { Shim, ShimPlace } from '../support/shim.ts';
import { openShimPlace, rootfsOf, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';

const sigkill = 9;
const mebibyte = 1 << 20;

interface Trial {
  readonly shim: Shim;
  readonly path: string;
  /** Kilobytes of a line of /proc/<pid>/status. */
  memory(line: 'VmRSS' | 'VmHWM'): Promise<number>;
}

async function tryShim(shims: ShimPlace, use: (trial: Trial) => Promise<void>): Promise<void> {
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  await shim.call(task.create, { id, bundle: bundle.path, rootfs: rootfsOf(shims) });
  await shim.call(task.start, { id });
  const memory: Trial['memory'] = async (line) => {
    const status = await readFile(`/proc/${shim.pid}/status`, 'utf8');
    return Number(new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  };
  await use({ shim, path: shim.endpoint.address.replace('unix://', ''), memory });
  await untilTrue('little memory', async () => (await memory('VmRSS')) < 1500);
  await shim.call(task.kill, { id, signal: sigkill });
  await shim.call(task.wait, { id });
  await shim.call(task.delete, { id });
  await shim.call(task.shutdown, { id });
}

test('a hundred unfinished requests of 4 MiB cost no more than 32 MiB, and nothing when their clients go', async () => {
  await using shims = await openShimPlace();
  await tryShim(shims, async ({ shim, path, memory }) => {
    using clients = new DisposableStack();
    const refused = [];
    for (let count = 0; count < 100; count++) {
      const client = clients.use(await openRawTtrpc(path));
      client.send(rawFrame({ stream: 1, payload: Buffer.alloc(4 * mebibyte - 1), length: 4 * mebibyte }));
      refused.push(client);
    }
    await untilTrue('the limit', async () => (await memory('VmRSS')) > 30 * 1024);
    assert.equal((await shim.call(task.connect, {})).shimPid, shim.pid);
    const last = refused.at(-1);
    last?.send(Buffer.from([0]));
    assert.equal((await last?.answer())?.code, 8);
    assert.ok((await memory('VmHWM')) < 40 * 1024);
  });
});

test('a thousand idle clients and a thousand calls that wait cost little, and nothing when they go', async () => {
  await using shims = await openShimPlace();
  await tryShim(shims, async ({ shim, path, memory }) => {
    using clients = new DisposableStack();
    const id = shim.id;
    const payload = toBinary(StateRequestSchema, create(StateRequestSchema, { id }));
    for (let count = 0; count < 1000; count++) {
      const client = clients.use(await openRawTtrpc(path));
      client.send(rawFrame({ stream: 1, payload: rawRequest({ method: 'Wait', payload }) }));
    }
    const before = await memory('VmRSS');
    assert.equal((await shim.call(task.connect, { id })).shimPid, shim.pid);
    assert.ok(before < 5 * 1024, `${before} kB`);
  });
});

test('one connection more than there may be is hung up on, and there is room again when others go', async () => {
  await using shims = await openShimPlace();
  await tryShim(shims, async ({ shim, path }) => {
    {
      using clients = new DisposableStack();
      for (let count = 0; count < 1023; count++) clients.use(await openRawTtrpc(path));
      using refused = await openRawTtrpc(path);
      await refused.closed;
      assert.equal((await shim.call(task.connect, {})).shimPid, shim.pid);
    }
    await untilTrue('room for another', async () => {
      using client = await openRawTtrpc(path);
      client.send(rawFrame({ stream: 1, payload: rawRequest({ method: 'Connect' }) }));
      return (await client.answer().catch(() => undefined)) !== undefined;
    });
  });
});
