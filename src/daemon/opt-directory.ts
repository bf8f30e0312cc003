import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DaemonConfig } from '#/daemon/config/daemon-config.ts';

/** Where `ctr install` puts programs and libraries; what the daemon starts finds them first. Answers the directory. */
export async function openOptDirectory({ root, settings }: DaemonConfig): Promise<string> {
  const directory = settings.plugins['io.containerd.internal.v1.opt'].path || join(root, 'opt');
  const places = { PATH: join(directory, 'bin'), LD_LIBRARY_PATH: join(directory, 'lib') };
  for (const [variable, place] of Object.entries(places)) {
    await mkdir(place, { recursive: true, mode: 0o711 });
    const before = process.env[variable] ?? '';
    process.env[variable] = before === '' ? place : `${place}:${before}`;
  }
  return directory;
}
