import type { CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { definePprof } from '#/cli/ctr/pprof.ts';

export const command: CtrCommand = definePprof({
  about: 'Show where the daemon spends CPU time',
  page: 'profile',
  debug: 0,
  seconds: '30s',
});
