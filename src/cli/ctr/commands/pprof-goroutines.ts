import type { CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { definePprof } from '#/cli/ctr/pprof.ts';

export const command: CtrCommand = definePprof({ about: 'Show what the daemon is doing', page: 'goroutine', debug: 2 });
