import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { containerFlags, noRunFlags } from '#/cli/ctr/run/container-flags.ts';
import { checkWords, makeContainer } from '#/cli/ctr/run/make-container.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE|DIRECTORY NAME [COMMAND] [ARG...]',
  about: 'Make a container without running it; an image that is not here is pulled',
  examples: ['berth ctr containers create alpine try sleep 60', 'berth ctr tasks start -d try'],
  flags: containerFlags,
  arity: atLeast(1),
  stopAtFirst: true,
  run: async ({ flags, given, args, err, env, connect }) => {
    const labels = (): Record<string, string> => ({});
    const wish = { flags: { ...noRunFlags, ...flags }, args, env, err, withConfig: given.has('config'), labels };
    checkWords(wish);
    await makeContainer(await connect(), wish);
  },
});
