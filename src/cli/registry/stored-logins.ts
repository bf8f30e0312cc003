import type { Credentials } from '#/client/system.ts';
import { readDockerConfig, writeDockerConfig, type AuthEntry } from '#/cli/registry/docker-config.ts';
import { helperFor, hostOf, serverKey } from '#/cli/registry/registry-auth.ts';

/** Remembers credentials: with the helper that config.json names, else in the file itself. Says which it was. */
export async function storeLogin(path: string, server: string, credentials: Credentials): Promise<'helper' | 'file'> {
  const config = await readDockerConfig(path);
  const key = serverKey(server);
  const helper = helperFor(config, server);
  if (helper !== undefined) {
    const { storeInHelper } = await import('#/cli/registry/credential-helper.ts');
    await storeInHelper(helper, key, credentials);
    await writeDockerConfig(path, { ...config, auths: { ...config.auths, [key]: {} } });
    return 'helper';
  }
  await writeDockerConfig(path, { ...config, auths: { ...config.auths, [key]: entryOf(credentials) } });
  return 'file';
}

/** Forgets them; false when there were none. */
export async function eraseLogin(path: string, server: string): Promise<boolean> {
  const config = await readDockerConfig(path);
  const helper = helperFor(config, server);
  const auths = Object.entries(config.auths ?? {});
  const kept = auths.filter(([key]) => hostOf(key) !== hostOf(server));
  if (kept.length === auths.length) return false;
  if (helper !== undefined) {
    const { eraseFromHelper } = await import('#/cli/registry/credential-helper.ts');
    await eraseFromHelper(helper, serverKey(server));
  }
  await writeDockerConfig(path, { ...config, auths: Object.fromEntries(kept) });
  return true;
}

function entryOf({ username = '', password = '', identitytoken = '' }: Credentials): AuthEntry {
  if (identitytoken !== '') return { auth: Buffer.from(`${username}:`).toString('base64'), identitytoken };
  return { auth: Buffer.from(`${username}:${password}`).toString('base64') };
}
