import { readFile } from 'node:fs/promises';
import { hostPlatform } from '#/oci/platform.ts';

export function hostArchitecture(): string {
  return hostPlatform().architecture;
}

/** PRETTY_NAME and VERSION_ID of /etc/os-release. */
export async function operatingSystem(): Promise<{ readonly name: string; readonly version: string }> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string): string => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { name: field('PRETTY_NAME') || 'Linux', version: field('VERSION_ID') };
}
