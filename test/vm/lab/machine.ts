/** What every guest boots: Debian's kernel, our initramfs, and a disk with Debian's packages. */
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { mustRun } from '../../support/run-command.ts';
import { cached, hashOf } from './cache.ts';
import { directoryEntry, packCpio, programEntry, symlinkEntry } from './cpio.ts';
import { modulesInOrder } from './kernel-modules.ts';

const guest = resolve(import.meta.dirname, '../guest');
const sources = ['agent.c', 'command.c', 'command.h', 'frame.c', 'frame.h'];
/** What it takes to reach the root disk and the agent's port; all others are in the guest's /lib/modules. */
const modules = ['virtio_pci', 'virtio_blk', 'virtio_console', 'erofs', 'overlay'];
const minutesMs = 5 * 60_000;

export interface Machine {
  readonly kernel: string;
  readonly initramfs: string;
  /** An ext4 that guests write to copies of. */
  readonly root: string;
}

export async function openMachine(): Promise<Machine> {
  const recipe = await Promise.all(['make-root.sh', 'packages.txt'].map((name) => readFile(join(guest, name))));
  const root = await cached('root', hashOf(recipe), async (into) => {
    await mustRun('sh', [join(guest, 'make-root.sh'), into], { timeoutMs: minutesMs });
  });
  const parts = await Promise.all(
    [...sources, 'init.sh', 'vm-agent.service'].map((name) => readFile(join(guest, name))),
  );
  const hash = hashOf([basename(root), modules.join(), ...parts]);
  const initramfs = await cached('initramfs', hash, (into) => makeInitramfs(root, into));
  return {
    kernel: join(root, 'vmlinuz'),
    initramfs: join(initramfs, 'initramfs'),
    root: join(root, 'root.ext4'),
  };
}

async function makeInitramfs(root: string, into: string): Promise<void> {
  const agent = join(into, 'agent');
  const files = sources.filter((name) => name.endsWith('.c')).map((name) => join(guest, name));
  const strict = ['-std=gnu17', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror', '-static'];
  await mustRun('cc', [...strict, '-o', agent, ...files]);
  const order = await modulesInOrder(join(root, 'modules'), modules);
  const archive = packCpio([
    ...['bin', 'modules'].map(directoryEntry),
    programEntry('bin/busybox', await readFile('/bin/busybox')),
    symlinkEntry('bin/sh', 'busybox'),
    programEntry('init', await readFile(join(guest, 'init.sh'))),
    programEntry('agent', await readFile(agent)),
    programEntry('vm-agent.service', await readFile(join(guest, 'vm-agent.service'))),
    programEntry('modules/order', Buffer.from(`${order.map((path) => basename(path)).join('\n')}\n`)),
    ...(await Promise.all(
      order.map(async (path) => programEntry(`modules/${basename(path)}`, await readFile(join(root, 'modules', path)))),
    )),
  ]);
  await writeFile(join(into, 'initramfs'), archive);
}
