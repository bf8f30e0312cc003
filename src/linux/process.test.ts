import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findProcess, isAlive, parseStat, signal } from '#/linux/process.ts';
import { spawn } from '#/linux/spawn.ts';

const env = { PATH: '/bin:/usr/bin' };
const sleep = () => spawn({ file: 'sleep', args: ['60'], env, stdio: [] });

test('parseStat() reads a command with parentheses and spaces', () => {
  const rest = `S 7 ${'0 '.repeat(17)}123456789012 0 0`;
  const facts = { pid: 42, parent: 7, command: 'a) R 1 (b', state: 'S', startTime: 123_456_789_012n };
  assert.deepEqual(parseStat(`42 (a) R 1 (b) ${rest}`), facts);
});

test('findProcess() knows a child, and nothing of it once it is reaped', async () => {
  const child = sleep();
  const found = await findProcess(child.pid);
  assert.equal(found?.parent, process.pid);
  assert.equal(found.command, 'sleep');
  assert(await isAlive(child.pid));
  assert(await isAlive(child.pid, found.startTime));
  assert.equal(await isAlive(child.pid, found.startTime + 1n), false);
  assert.equal(signal(child.pid, 15), true);
  await child.exited;
  assert.equal(await findProcess(child.pid), undefined);
  assert.equal(await isAlive(child.pid), false);
  assert.equal(signal(child.pid, 15), false);
});

test('signal() and findProcess() refuse numbers that mean groups or nothing', async () => {
  for (const pid of [0, -1, 1.5, NaN]) {
    assert.throws(() => signal(pid, 0), { kind: 'invalid-argument' });
    await assert.rejects(findProcess(pid), { kind: 'invalid-argument' });
  }
});
