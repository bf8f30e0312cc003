/** The berth of the last release, as a checkout of its own that runs. */
import { mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { mustRun, runCommand } from './run-command.ts';

const repository = resolve(import.meta.dirname, '../..');

/** What came before there were tags: the first berth that ran containers. */
const firstLight = 'bc964cc984798bc08573415fb3374af4e252c3e2';

export interface Release extends AsyncDisposable {
  readonly path: string;
  readonly name: string;
}

/** Undefined where the history is not there to take it from (a shallow clone, an archive). */
export async function checkOutPreviousRelease(): Promise<Release | undefined> {
  const git = (...args: string[]): ReturnType<typeof runCommand> => runCommand('git', ['-C', repository, ...args]);
  const tag = await git('describe', '--tags', '--match', 'v[0-9]*', '--abbrev=0', 'HEAD^');
  const name = tag.code === 0 ? tag.stdout.trim() : firstLight;
  if ((await git('cat-file', '-e', `${name}^{commit}`)).code !== 0) return undefined;
  const directory = await mkdtempDisposable(join(tmpdir(), 'release-'));
  const archive = join(directory.path, 'tree.tar');
  await mustRun('git', ['-C', repository, 'archive', '--output', archive, name]);
  await mustRun('tar', ['-C', directory.path, '-xf', archive]);
  await writeFile(archive, '');
  await symlink(join(repository, 'node_modules'), join(directory.path, 'node_modules'));
  await mustRun('make', ['-s', '-C', join(directory.path, 'native'), 'all']);
  return { path: directory.path, name, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}
