import type { CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { definePprof } from '#/cli/ctr/pprof.ts';

export const command: CtrCommand = definePprof({
  about: 'Record what the daemon does',
  page: 'trace',
  debug: 0,
  seconds: '5s',
});
