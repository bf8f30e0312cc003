/** What clients may send over a shim's socket, right or wrong: the current containerd's shim and ours answer alike. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { BootstrapParamsSchema } from '#/gen/containerd/runtime/bootstrap/v1/bootstrap_pb.ts';
import { openFifo } from '#/linux/fifo.ts';
import { mkfifo } from '#/linux/mknod.ts';
import { isAlive } from '#/linux/process.ts';
import { findPeerTools } from '../support/peer-tools.ts';
import type { RawRequest } from '../support/raw-ttrpc.ts';
import { openRawTtrpc, rawFrame, rawRequest } from '../support/raw-ttrpc.ts';
import type { Shim, ShimPlace } from '../support/shim.ts';
import { openShimPlace, shimBinary, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';

const peers = findPeerTools();
const tooLong = Buffer.alloc((4 << 20) + 1);
const connect = rawRequest({ method: 'Connect' });
const ask = (request: RawRequest): Buffer => rawFrame({ stream: 1, payload: rawRequest(request) });
const state = (...payload: number[]): Buffer => ask({ method: 'State', payload: Buffer.from(payload) });

const conversations: Readonly<Record<string, readonly Buffer[]>> = {
  'an even stream': [rawFrame({ stream: 2, payload: connect })],
  'stream 0': [rawFrame({ stream: 0, payload: connect })],
  'an even stream of an unknown kind': [rawFrame({ stream: 2, type: 9 })],
  'an odd stream of an unknown kind': [rawFrame({ stream: 1, type: 9 }), rawFrame({ stream: 3, payload: connect })],
  'a message of more than 4 MiB': [
    rawFrame({ stream: 1, payload: tooLong }),
    rawFrame({ stream: 1, payload: connect }),
  ],
  'a long message of an unknown kind': [rawFrame({ stream: 2, type: 9, payload: tooLong })],
  'data that belongs to nothing': [rawFrame({ stream: 1, type: 3, payload: Buffer.from('x') })],
  'a response': [rawFrame({ stream: 1, type: 2, payload: connect })],
  'a stream twice': [rawFrame({ stream: 5, payload: connect }), rawFrame({ stream: 5, payload: connect })],
  'a stream that goes back': [rawFrame({ stream: 5, payload: connect }), rawFrame({ stream: 3, payload: connect })],
  'the last stream': [rawFrame({ stream: 0xffff_ffff, payload: connect })],
  'a request that is empty': [rawFrame({ stream: 1 })],
  'a request that is no message': [rawFrame({ stream: 1, payload: Buffer.from([0xff]) })],
  'a service that is no text': [rawFrame({ stream: 1, payload: Buffer.from([0x0a, 2, 0xc3, 0x28]) })],
  'a service that is not there': [ask({ service: 'a.B', method: 'Connect' })],
  'a method that is not there': [ask({ method: 'Fly' })],
  'a message that is none': [state(0x0a, 200)],
  'a message whose text is none': [state(0x0a, 2, 0xc3, 0x28)],
  'a deadline that has passed': [ask({ method: 'Connect', timeoutNano: -1n })],
  'a container that is not there': [ask({ method: 'Wait', timeoutNano: 1_000_000_000n })],
  'a stream that stays open': [rawFrame({ stream: 1, flags: 2, payload: connect })],
  'half a request': [rawFrame({ stream: 1, length: 100, payload: connect })],
};

/** What comes back until nothing has come for a while: streams, codes, and the words for what is not there. */
async function talk(path: string, frames: readonly Buffer[]): Promise<string[]> {
  using client = await openRawTtrpc(path);
  const heard: string[] = [];
  client.send(...frames);
  for (;;) {
    const answer = await Promise.race([client.answer().catch(() => 'closed'), delay(500, 'silent')]);
    if (typeof answer === 'string') return [...heard.sort(), answer];
    heard.push(`${answer.stream}: ${answer.code}${answer.code === 12 ? ` ${answer.message}` : ''}`);
  }
}

async function startShim(shims: ShimPlace): Promise<Shim> {
  const bundle = await shims.bundle(['true']);
  await mkfifo(join(bundle.path, 'log'), 0o700);
  const log = await openFifo(join(bundle.path, 'log'), 'read');
  log.resume();
  const params = create(BootstrapParamsSchema, {
    instanceId: bundle.id,
    namespace: shims.namespace,
    containerdTtrpcAddress: join(shims.place.path, 'd.sock.ttrpc'),
    containerdGrpcAddress: join(shims.place.path, 'd.sock'),
    containerdBinary: '/bin/true',
    socketDir: join(shims.place.path, 's'),
  });
  return await bundle.start(toBinary(BootstrapParamsSchema, params));
}

async function hearAll(binary: string): Promise<Record<string, string[]>> {
  await using shims = await openShimPlace(binary);
  const shim = await startShim(shims);
  try {
    const path = shim.endpoint.address.replace('unix://', '');
    const heard = Object.entries(conversations).map(
      async ([name, frames]) => [name, await talk(path, frames)] as const,
    );
    return Object.fromEntries(await Promise.all(heard));
  } finally {
    // Go's may hang up before it answers.
    await shim.call(task.shutdown, { id: shim.id, now: true }).catch(() => {});
    await untilTrue('end of the shim', async () => !(await isAlive(shim.pid)));
  }
}

test('frames of every kind are answered as by the current containerd', { skip: peers.skip }, async () => {
  const theirs = await hearAll(peers.path('containerd-shim-runc-v2'));
  assert.deepEqual(await hearAll(shimBinary), theirs);
  assert.equal(Object.keys(theirs).length, 22);
});
