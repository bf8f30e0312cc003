import type { CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { definePprof } from '#/cli/ctr/pprof.ts';

export const command: CtrCommand = definePprof({ about: 'Show where the daemon blocks', page: 'block', debug: 0 });
