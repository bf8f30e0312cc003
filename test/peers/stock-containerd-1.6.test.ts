/** berth's shim under Debian's containerd 1.6, against Debian's shim. */
import { compareShims } from './shim-cases/compare.suite.ts';

compareShims({ generation: '1.6', ctr: '/usr/bin/ctr', containerd: '/usr/bin/containerd', directory: '/usr/bin' });
