/** The current ctr, every subcommand, against the current containerd and berthd. */
import { test } from 'node:test';
import { findPeerTools } from '../support/peer-tools.ts';
import { compareCtr } from './ctr-cases/compare.suite.ts';

const { directory, skip, path } = findPeerTools();

if (skip === false)
  compareCtr({ client: '2.x', daemon: '2.x', ctr: path('ctr'), containerd: path('containerd'), directory });
else test('the current ctr', { skip });
