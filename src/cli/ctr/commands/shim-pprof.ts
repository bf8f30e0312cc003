import { EngineError } from '#/base/errors.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { shimFlags } from '#/cli/ctr/group-flags.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] PROFILE',
  about: 'Not there: shims give profiles only when they were built for it',
  flags: shimFlags,
  arity: atLeast(0),
  run: async () => {
    throw new EngineError(
      'unimplemented',
      'Cannot profile a shim: berth ctr has no "shim pprof"; containerd’s own ctr has',
    );
  },
});
