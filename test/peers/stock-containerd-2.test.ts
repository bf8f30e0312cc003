/** berth's shim under the current containerd, against the shim of that release. */
import { test } from 'node:test';
import { findPeerTools } from '../support/peer-tools.ts';
import { compareShims } from './shim-cases/compare.suite.ts';

const { directory, skip, path } = findPeerTools();

if (skip === false) compareShims({ generation: '2.x', ctr: path('ctr'), containerd: path('containerd'), directory });
else test('the current containerd', { skip });
