/** The runtimes that people name with `--runtime`: OCI runtimes, shims of others, WebAssembly's among them, and none at all. */
import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { demultiplex } from '#/client/stdio-frames.ts';
import { startJourney, type Journey } from '../support/journey.ts';

const gvisor = 'plugins."io.containerd.cri.v1.runtime".containerd.runtimes.gvisor';
const linked = (program: string): string => resolve(import.meta.dirname, '../../build', program);

let journey: Journey;

before(async () => {
  journey = await startJourney([], { prepare, configured: true, programs: 'bin' });
});
after(() => journey[Symbol.asyncDispose]());

async function prepare(directory: string): Promise<void> {
  const runsc = resolve(import.meta.dirname, '../support/runsc');
  const config = `version = 3\n[${gvisor}]\n[${gvisor}.options]\nBinaryName = "${runsc}"\n`;
  await writeFile(join(directory, 'config.toml'), config);
  await mkdir(join(directory, 'bin'));
  // A shim speaks one protocol whatever it runs: ours stands in for one of WebAssembly's.
  await symlink(linked('containerd-shim-berth-v1'), join(directory, 'bin/containerd-shim-wasmtime-v1'));
}

const wish = (Runtime: string, ...Cmd: string[]) => ({
  Image: 'hello',
  Cmd,
  HostConfig: { NetworkMode: 'none', Runtime },
});

async function run(runtime: string, ...command: string[]): Promise<{ code: number; output: string; shim: string }> {
  const { containers } = journey.client;
  const { Id } = await containers.create(wish(runtime, ...command));
  const { result } = await containers.wait(Id, 'next-exit');
  await containers.start(Id);
  const shim = await shimOf(Id);
  const { StatusCode: code } = await result;
  let output = '';
  for await (const { data } of demultiplex(await containers.logs(Id))) output += data.toString();
  await containers.remove(Id);
  return { code, output, shim };
}

async function shimOf(id: string): Promise<string> {
  const bundles = join(journey.daemon.state, 'io.containerd.runtime.v2.task/default');
  return await readFile(join(bundles, id, 'shim-binary-path'), 'utf8').catch(() => '');
}

test("containers that name no runtime have berth's own shim, and those that name runc too", async () => {
  for (const name of ['', 'runc']) {
    const { code, output, shim } = await run(name, 'sh', '-c', 'echo ran; sleep 0.3; exit 3');
    assert.deepEqual([code, output, shim], [3, 'ran\n', linked('containerd-shim-berth-v1')], name);
  }
});

test('a container runs under gVisor by its name in the configuration', async () => {
  const { code, output } = await run('gvisor', 'sh', '-c', 'dmesg; sleep 0.3; exit 4');
  assert.equal(code, 4);
  assert.match(output, /Starting gVisor/);
});

test('a shim of WebAssembly is used where it is installed, and refused by name where it is not', async () => {
  const { code, shim } = await run('io.containerd.wasmtime.v1', 'sleep', '0.3');
  assert.deepEqual([code, shim], [0, join(journey.daemon.directory, 'bin/containerd-shim-wasmtime-v1')]);
  const { containers } = journey.client;
  await assert.rejects(containers.create(wish('io.containerd.wasmedge.v1', 'true')), {
    kind: 'invalid-argument',
    message: /"io\.containerd\.wasmedge\.v1": there is no "containerd-shim-wasmedge-v1" in PATH; install it/,
  });
});

test('a runtime that nobody knows is refused with the names of those that are there', async () => {
  const { containers } = journey.client;
  await assert.rejects(containers.create(wish('nothing', 'true')), {
    kind: 'invalid-argument',
    message: /"nothing": unknown or invalid runtime name; there are runc, .*gvisor/,
  });
  assert.deepEqual(await containers.list({ all: true }), []);
});

test('log options that Docker refuses are refused at the creation, and mode=non-blocking logs', async () => {
  const { containers } = journey.client;
  const logging = (Config: Record<string, string>) => ({
    ...wish('', 'echo', 'logged'),
    HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'json-file', Config } },
  });
  await assert.rejects(containers.create(logging({ mode: 'sometimes' })), { message: /log option mode "sometimes"/ });
  const { Id } = await containers.create(logging({ mode: 'non-blocking', 'max-buffer-size': '64k' }));
  const { result } = await containers.wait(Id, 'next-exit');
  await containers.start(Id);
  await result;
  let output = '';
  for await (const { data } of demultiplex(await containers.logs(Id))) output += data.toString();
  assert.equal(output, 'logged\n');
  await containers.remove(Id);
});
