import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  mergeVariables,
  readAnnotations,
  readIdMapping,
  readMount,
  readNamespace,
  readRlimit,
} from '#/cli/ctr/run/read-words.ts';

const usage = { name: 'UsageError' };

test('readMount() reads ctr’s words, short ones and quoted ones', () => {
  assert.deepEqual(readMount('type=bind,src=/a,dst=/b,options=rbind:ro'), {
    type: 'bind',
    source: '/a',
    destination: '/b',
    options: ['rbind', 'ro'],
  });
  assert.equal(readMount('type=bind,"source=/with,comma",destination=/b').source, '/with,comma');
  for (const wrong of ['bind', 'type=bind,where=/a', 'src']) assert.throws(() => readMount(wrong), usage);
});

test('readNamespace(), readIdMapping() and readRlimit() refuse what is none', () => {
  assert.deepEqual(readNamespace('network:/run/netns/a'), { type: 'network', path: '/run/netns/a' });
  assert.deepEqual(readIdMapping('0:100000:65536'), { containerID: 0, hostID: 100_000, size: 65_536 });
  assert.deepEqual(readRlimit('100:200'), { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 });
  assert.deepEqual(readRlimit('100'), { type: 'RLIMIT_NOFILE', soft: 100, hard: 100 });
  for (const wrong of ['network', 'net:/a']) assert.throws(() => readNamespace(wrong), usage);
  for (const wrong of ['0:1', '0:1:2:3', 'a:1:2', '0:4294967296:1']) assert.throws(() => readIdMapping(wrong), usage);
  assert.throws(() => readRlimit('many'), usage);
  assert.throws(() => readAnnotations(['a']), usage);
});

test('mergeVariables() replaces in place, adds at the end, and takes away what has no value', () => {
  assert.deepEqual(mergeVariables(['A=1', 'B=2', 'C=3'], ['B=x', 'C', 'D=4']), ['A=1', 'B=x', 'D=4']);
});
