/** ctr 1.7, every subcommand, against the current containerd and berthd. */
import { test } from 'node:test';
import { findPeerTools } from '../support/peer-tools.ts';
import { compareCtr } from './ctr-cases/compare.suite.ts';

const { directory, skip, path } = findPeerTools();

if (skip === false)
  compareCtr({ client: '1.7', daemon: '2.x', ctr: path('ctr-1.7'), containerd: path('containerd'), directory });
else test('ctr 1.7', { skip });
