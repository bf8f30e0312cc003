import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonText } from '#/cli/ctr/ctr-text.ts';
import { text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { defaultSpec } from '#/oci/default-spec.ts';
import { parsePlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Show the runtime spec that a container starts from, before image and flags change it',
  examples: ['berth ctr oci spec > spec.json', 'berth ctr run --config spec.json my-own'],
  flags: { platform: text('', 'OS/ARCH', 'Platform, such as linux/arm64') },
  arity: noArguments,
  run: async ({ flags, globals, out }) => {
    const { platform } = flags;
    if (platform !== undefined && parsePlatform(platform).os !== 'linux')
      throw new UsageError(`"--platform ${platform}" cannot be followed: berth knows Linux alone`, 1);
    out.line(jsonText(defaultSpec({ namespace: globals.namespace, id: '' })));
  },
});
