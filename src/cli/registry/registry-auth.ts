import type { Credentials } from '#/client/system.ts';
import { configPath, readDockerConfig, type AuthEntry, type DockerConfig } from '#/cli/registry/docker-config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Under this key every tool keeps the credentials of Docker Hub. */
export const hubServer = 'https://index.docker.io/v1/';

/** The key of a registry in config.json: its host, but for Docker Hub. */
export function serverKey(host: string): string {
  const bare = hostOf(host);
  return bare === 'docker.io' ? hubServer : bare;
}

/** `https://host:5000/v2/` → `host:5000`; all names of Docker Hub are `docker.io`. */
export function hostOf(server: string): string {
  const host = server
    .replace(/^https?:\/\//i, '')
    .replace(/\/.*$/, '')
    .toLowerCase();
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/** The X-Registry-Auth header for a registry; undefined when nothing is known of it. */
export async function registryAuth(domain: string, env: Environment): Promise<string | undefined> {
  const credentials = await findCredentials(await readDockerConfig(configPath(env)), domain);
  if (credentials === undefined) return undefined;
  return encodeAuth({ ...credentials, serveraddress: serverKey(domain) });
}

export function encodeAuth(credentials: Credentials): string {
  const text = Buffer.from(JSON.stringify(credentials)).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

export async function findCredentials(config: DockerConfig, domain: string): Promise<Credentials | undefined> {
  const helper = helperFor(config, domain);
  if (helper !== undefined) {
    const { helperCredentials } = await import('#/cli/registry/credential-helper.ts');
    return helperCredentials(helper, serverKey(domain));
  }
  const wanted = hostOf(domain);
  const entries = Object.entries(config.auths ?? {});
  const exact = entries.find(([key]) => key === serverKey(domain)) ?? entries.find(([key]) => hostOf(key) === wanted);
  return exact === undefined ? undefined : credentialsOf(exact[1]);
}

export function helperFor({ credHelpers, credsStore }: DockerConfig, domain: string): string | undefined {
  const own = Object.entries(credHelpers ?? {}).find(([key]) => hostOf(key) === hostOf(domain));
  return own?.[1] ?? (credsStore === '' ? undefined : credsStore);
}

function credentialsOf(entry: AuthEntry): Credentials | undefined {
  if (entry.identitytoken !== undefined && entry.identitytoken !== '') return { identitytoken: entry.identitytoken };
  if (entry.auth === undefined || entry.auth === '')
    return entry.username === undefined ? undefined : { username: entry.username, password: entry.password ?? '' };
  const text = Buffer.from(entry.auth, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0
    ? undefined
    : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}
