import { number, type FlagsFor } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';

interface ApiVersion {
  readonly 'api-version': number | undefined;
}

export const apiVersionFlag: FlagsFor<ApiVersion> = {
  'api-version': number('', 'N', 'Version of the shim’s API: 2 or 3 (default 3)'),
};

/** Shims before containerd 2 speak version 2. Throws UsageError for any but 2 and 3. */
export function isOlderApi({ 'api-version': version = 3 }: ApiVersion): boolean {
  if (version === 2 || version === 3) return version === 2;
  throw new UsageError(`flag "--api-version" is 2 or 3, not ${version}`, 1);
}
