import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { parseSignal, signalName } from '#/linux/signals.ts';

test('parseSignal() knows every signal that Node knows, by name and by number', () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    assert.equal(parseSignal(name), number, name);
    assert.equal(parseSignal(name.slice(3).toLowerCase()), number, name);
    assert.equal(parseSignal(number), number);
    assert.equal(parseSignal(signalName(number)), number);
  }
});

test('parseSignal() counts real-time signals as glibc does', () => {
  const numbers = ['RTMIN', 'SIGRTMIN+3', 'rtmin+30', 'RTMAX', 'SIGRTMAX-14', '64', '37'].map(parseSignal);
  assert.deepEqual(numbers, [34, 37, 64, 64, 50, 64, 37]);
  assert.deepEqual([34, 37, 64, 32].map(signalName), ['SIGRTMIN', 'SIGRTMIN+3', 'SIGRTMIN+30', '32']);
});

test('parseSignal() refuses nonsense', () => {
  const wrong = [
    '',
    '0',
    '65',
    '-1',
    '1.5',
    '0x9',
    'SIG',
    'SIGSIGTERM',
    'NOPE',
    'RTMIN+31',
    'RTMIN-1',
    'RTMAX+1',
    'TOSTRING',
  ];
  for (const text of [...wrong, 'constructor', 'x'.repeat(1000), NaN, 9.5])
    assert.throws(() => parseSignal(text), { kind: 'invalid-argument' }, String(text));
});
