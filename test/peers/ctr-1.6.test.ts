/** Debian's ctr 1.6, every subcommand, against Debian's containerd and berthd. */
import { compareCtr } from './ctr-cases/compare.suite.ts';

const peer = { ctr: '/usr/bin/ctr', containerd: '/usr/bin/containerd', directory: '/usr/bin' };
compareCtr({ client: '1.6', daemon: '1.6', ...peer });
