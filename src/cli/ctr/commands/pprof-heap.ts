import type { CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { definePprof } from '#/cli/ctr/pprof.ts';

export const command: CtrCommand = definePprof({
  about: 'Show who takes memory in the daemon',
  page: 'heap',
  debug: 0,
});
