import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listMounts, parseMountInfo } from '#/linux/mount-info.ts';

test('parseMountInfo() reads optional fields and escaped names', () => {
  const text = String.raw`36 35 98:0 /mnt1 /a\040b\134c rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue
37 35 0:5 / /proc rw - proc proc rw
`;
  assert.deepEqual(parseMountInfo(text), [
    {
      id: 36,
      parent: 35,
      device: '98:0',
      root: '/mnt1',
      target: '/a b\\c',
      options: ['rw', 'noatime'],
      propagation: ['master:1', 'shared:2'],
      type: 'ext3',
      source: '/dev/root',
      superOptions: ['rw', 'errors=continue'],
    },
    {
      id: 37,
      parent: 35,
      device: '0:5',
      root: '/',
      target: '/proc',
      options: ['rw'],
      propagation: [],
      type: 'proc',
      source: 'proc',
      superOptions: ['rw'],
    },
  ]);
});

test('listMounts() finds /proc', async () => {
  const found = (await listMounts()).find(({ target }) => target === '/proc');
  assert.equal(found?.type, 'proc');
});
