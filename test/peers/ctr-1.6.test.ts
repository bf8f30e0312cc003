/** Debian's ctr 1.6, every subcommand, against Debian's containerd and berthd. */
import { compareCtr } from './ctr-cases/compare.suite.ts';

compareCtr({ generation: '1.6', ctr: '/usr/bin/ctr', containerd: '/usr/bin/containerd', directory: '/usr/bin' });
