/** Test files of this repository for a guest: each is bundled into one file, with what they run beside them. */
import { cp, mkdir, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Vm } from './start-vm.ts';

const repository = resolve(import.meta.dirname, '../../..');
const natives = ['berth.node', 'berth-stdio', 'containerd-shim-berth-v1'];

/** Where they are in the guest. What resolves `build/…` there finds it. */
export const guestTests = '/opt/tests';

/** Brings `test/shim/oom.test.ts` in as `/opt/tests/oom.test.js`. The guest needs the disk of Node. */
export async function copyTests(vm: Vm, files: readonly string[]): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'tests-'));
  const tests = join(directory.path, basename(guestTests));
  await build({
    entryPoints: files.map((file) => join(repository, file)),
    outdir: tests,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    logLevel: 'warning',
  });
  await mkdir(join(tests, 'build'));
  for (const name of natives) await cp(join(repository, 'build', name), join(tests, 'build', name));
  await cp(join(repository, 'build/berth.node'), join(tests, 'berth.node'));
  await cp(join(repository, 'package.json'), join(tests, 'package.json'));
  await vm.copyIn(tests, '/opt');
}
