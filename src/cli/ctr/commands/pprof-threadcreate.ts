import type { CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { definePprof } from '#/cli/ctr/pprof.ts';

export const command: CtrCommand = definePprof({
  about: 'Show what made the daemon’s threads',
  page: 'threadcreate',
  debug: 0,
});
