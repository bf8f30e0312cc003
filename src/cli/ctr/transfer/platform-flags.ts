import { boolean, list, type FlagsFor } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { parsePlatform, type Platform } from '#/oci/platform.ts';

export interface PlatformFlags {
  readonly platform: readonly string[];
  readonly 'all-platforms': boolean;
}

export const platformFlags: FlagsFor<PlatformFlags> = {
  platform: list('', 'OS/ARCH', 'Platform, such as linux/arm64 (default: this machine’s)'),
  'all-platforms': boolean('', 'All platforms that there are'),
};

/** None means all; `usual` stands for nothing said. Throws UsageError for both at once. */
export function choosePlatforms(flags: PlatformFlags, usual: readonly Platform[]): readonly Platform[] {
  if (flags['all-platforms'] && flags.platform.length > 0)
    throw new UsageError('"--platform" and "--all-platforms" cannot be given together', 1);
  if (flags['all-platforms']) return [];
  return flags.platform.length === 0 ? usual : flags.platform.map(parsePlatform);
}
