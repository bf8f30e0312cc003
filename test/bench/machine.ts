import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { mustRun, runCommand } from '../support/run-command.ts';
import { bundle } from './berth.ts';
import { has, programs } from './peers.ts';

const fileSystems: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x01021994: 'tmpfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
};

/** What figures depend on: the machine, the versions, and how busy it was. */
export async function describeMachine(directory: string): Promise<string> {
  const { type } = await statfs(directory);
  const fileSystem = fileSystems[type] ?? `file system 0x${type.toString(16)}`;
  const versions = await Promise.all([
    versionOf('runc', /^runc version (\S+)/),
    versionOf('containerd', /^containerd \S+ (\S+)/),
    versionOf('dockerd', /version ([^,\s]+)/),
    versionOf('umoci', /version (\S+)/),
  ]);
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
  const berthd = (await mustRun(process.execPath, [bundle, '--version'])).trim();
  return [
    `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown CPU'}, Linux ${release()}, ${directory} on ${fileSystem}; load when done ${load}`,
    `${berthd}, Node ${process.version}; ${versions.filter((version) => version !== '').join(', ')}`,
  ].join('\n');
}

async function versionOf(name: keyof typeof programs, pattern: RegExp): Promise<string> {
  if (!has(name)) return '';
  const { stdout } = await runCommand(programs[name], ['--version']);
  return `${name} ${pattern.exec(stdout)?.[1] ?? stdout.trim()}`;
}
