import { chmod, mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { EngineError, errnoOf, messageOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';

/** `config.json` as docker and other tools share it; what we do not know of it stays as it is. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

export interface AuthEntry {
  /** base64 of `user:password`. */
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly username?: string;
  readonly password?: string;
}

export function configPath(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'), 'config.json');
}

/** An empty one where there is no file. */
export async function readDockerConfig(path: string): Promise<DockerConfig> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is no JSON object');
    return value as DockerConfig;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return {};
    throw new EngineError('failed-precondition', `Cannot read "${path}": ${messageOf(error)}`, { cause: error });
  }
}

/** Readable by its owner only, and never half-written; a link to the file stays a link. */
export async function writeDockerConfig(path: string, config: DockerConfig): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = await resolvedPath(path);
  const temporary = `${target}.${newToken()}.tmp`;
  try {
    await using file = await open(temporary, 'wx', 0o600);
    await file.writeFile(`${JSON.stringify(config, undefined, '\t')}\n`);
    await file.datasync();
    await chmod(temporary, 0o600);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new EngineError('failed-precondition', `Cannot write "${path}": ${messageOf(error)}`, { cause: error });
  }
}

async function resolvedPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return path;
    throw error;
  }
}
