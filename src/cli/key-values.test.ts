import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseVariablesFile, readFilters, readLabels, readVariables, readVariablesFiles } from '#/cli/key-values.ts';

const env = { HOME: '/root', EMPTY: '' };

test('readVariables() passes our own values on for names alone', () => {
  assert.deepEqual(readVariables(['A=1', 'B=', 'C=x=y', 'HOME', 'EMPTY', 'UNSET'], env), [
    'A=1',
    'B=',
    'C=x=y',
    'HOME=/root',
    'EMPTY=',
  ]);
  assert.throws(() => readVariables(['=x'], env), { name: 'UsageError' });
});

test('parseVariablesFile() skips comments and keeps values as they are', () => {
  const content = '\uFEFF# comment\n\n  A=1 # no comment\r\nB="quoted"\nHOME\n';
  assert.deepEqual(parseVariablesFile('f', content, env), ['A=1 # no comment', 'B="quoted"', 'HOME=/root']);
  assert.throws(() => parseVariablesFile('f', 'ok=1\nbad name=2', env), { message: /^line 2 of "f" has "bad name"/ });
});

test('readVariablesFiles() says which file cannot be read', async () => {
  await assert.rejects(readVariablesFiles(['/nowhere/env'], env), {
    message: /^Cannot read "\/nowhere\/env": ENOENT/,
    exitCode: 125,
  });
});

test('readLabels() takes a key alone for an empty value, the later one of two', () => {
  assert.deepEqual(readLabels(['a', 'b=1', 'b=2=3']), { a: '', b: '2=3' });
});

test('readFilters() gathers values by key', () => {
  assert.deepEqual(readFilters(['status=exited', 'Label=a=b', 'status = dead']), {
    status: ['exited', 'dead'],
    label: ['a=b'],
  });
  for (const word of ['status', '=x']) assert.throws(() => readFilters([word]), { name: 'UsageError' });
});
