import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EngineError, errnoOf } from '#/base/errors.ts';
import type { Credentials } from '#/core/registry/contract.ts';
import { askCredentialHelper } from '#/core/registry/credential-helper.ts';
import { parseJson } from '#/core/registry/answer-error.ts';
import type { ProxyEnvironment } from '#/core/registry/proxy.ts';

const largestConfig = 1024 * 1024;
const dockerHub = 'https://index.docker.io/v1/';

type Json = Readonly<Record<string, unknown>>;

/** The files that `docker login` writes, by its own rules. */
export function defaultConfigFiles(environment: ProxyEnvironment): string[] {
  const directory = environment['DOCKER_CONFIG'];
  return [
    join(
      directory === undefined || directory === '' ? join(environment['HOME'] ?? homedir(), '.docker') : directory,
      'config.json',
    ),
  ];
}

export function hasCredentials(credentials: Credentials | undefined): credentials is Credentials {
  return Object.values(credentials ?? {}).some((value) => value !== undefined && value !== '');
}

/**
 * What docker's config files say for a registry host: its helper, then the general helper, then the stored entry. A
 * missing file or entry is no credentials; an unreadable file is an error that names it.
 */
export async function findCredentials(
  files: readonly string[],
  domain: string,
  environment: ProxyEnvironment,
): Promise<Credentials | undefined> {
  for (const file of files) {
    const config = await readConfig(file);
    const found = config === undefined ? undefined : await findInConfig(config, { domain, file, environment });
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readConfig(file: string): Promise<Json | undefined> {
  try {
    if ((await stat(file)).size > largestConfig) throw unreadable(file, 'it is larger than 1 MiB');
    const config = parseJson(await readFile(file, 'utf8'));
    if (!isObject(config)) throw unreadable(file, 'it is not a JSON object');
    return config;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

interface Lookup {
  readonly domain: string;
  readonly file: string;
  readonly environment: ProxyEnvironment;
}

async function findInConfig(config: Json, { domain, file, environment }: Lookup): Promise<Credentials | undefined> {
  const server = domain === 'docker.io' ? dockerHub : domain;
  const { credHelpers, credsStore, auths } = config;
  const own = isObject(credHelpers) ? (credHelpers[domain] ?? credHelpers[server]) : undefined;
  for (const helper of [own, credsStore]) {
    if (typeof helper !== 'string' || helper === '') continue;
    const found = await askCredentialHelper(helper, server, environment);
    if (found !== undefined) return found;
  }
  const entry = isObject(auths) ? entryFor(auths, domain) : undefined;
  return entry === undefined ? undefined : readEntry(entry, domain, file);
}

/** Keys are hosts, or URLs of old. */
function entryFor(auths: Json, domain: string): Json | undefined {
  const wanted = domain === 'docker.io' ? ['index.docker.io', 'docker.io', 'registry-1.docker.io'] : [domain];
  const byHost = Object.entries(auths).map(
    ([key, value]) => [key.replace(/^https?:\/\//, '').split('/')[0], value] as const,
  );
  return wanted.map((host) => byHost.find(([key]) => key === host)?.[1]).find(isObject);
}

function readEntry(entry: Json, domain: string, file: string): Credentials | undefined {
  const text = (name: string): string | undefined => {
    const value = entry[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const identityToken = text('identitytoken');
  const registryToken = text('registrytoken');
  const auth = text('auth');
  const [username, password] =
    auth === undefined ? [text('username'), text('password')] : decodeAuth(auth, `"${domain}" in "${file}"`);
  const credentials: Credentials = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(identityToken === undefined ? {} : { identityToken }),
    ...(registryToken === undefined ? {} : { registryToken }),
  };
  return hasCredentials(credentials) ? credentials : undefined;
}

/** `user:password` in base64, as docker's files and containerd's configuration have it; `where` is for the error. */
export function decodeAuth(auth: string, where: string): [string, string] {
  const decoded = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = decoded.indexOf(':');
  if (colon > 0) return [decoded.slice(0, colon), decoded.slice(colon + 1)];
  throw new EngineError(
    'failed-precondition',
    `Cannot read the login of ${where}: its "auth" is not "user:password" in base64`,
  );
}

function unreadable(file: string, why: string): EngineError {
  return new EngineError('failed-precondition', `Cannot read credentials from "${file}": ${why}`);
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
