import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSchedule } from '#/core/garbage/contract.ts';
import { checkedSchedule, Schedule } from '#/core/garbage/schedule.ts';

test('delay() asks for nothing until something was deleted or enough was written', () => {
  const state = new Schedule(defaultSchedule);
  for (let count = 0; count < 99; count++) state.noteMutation();
  assert.equal(state.delay(), undefined);
  state.noteMutation();
  assert.equal(state.delay(), 0);
  state.begin();
  assert.equal(state.delay(), undefined);
  state.noteDeletion();
  assert.equal(state.delay(), 0);
});

test('delay() after a collection is so long that collections take their share of the time', () => {
  const state = new Schedule(defaultSchedule);
  state.begin();
  state.end(10);
  state.noteDeletion();
  assert.equal(state.delay(), 490);
  state.begin();
  state.end(0);
  state.noteDeletion();
  assert.equal(state.delay(), 245);
});

test('delay() without a pause threshold is a second, and a deletion threshold does not wait', () => {
  const plain = new Schedule({ ...defaultSchedule, pauseThreshold: 0 });
  plain.end(10);
  plain.noteDeletion();
  assert.equal(plain.delay(), 1000);
  const eager = new Schedule({ ...defaultSchedule, deletionThreshold: 2, scheduleDelay: 7 });
  eager.end(10);
  eager.noteDeletion();
  assert.equal(eager.delay(), 490);
  eager.noteMutation();
  assert.equal(eager.delay(), 7);
});

test('delay() counts no writes where the mutation threshold is 0', () => {
  const state = new Schedule({ ...defaultSchedule, mutationThreshold: 0 });
  for (let count = 0; count < 1000; count++) state.noteMutation();
  assert.equal(state.delay(), undefined);
});

test('fail() waits a second longer than usual, and what was to be done still is', () => {
  const state = new Schedule(defaultSchedule);
  state.end(5);
  state.noteDeletion();
  state.begin();
  assert.equal(state.fail(), 1245);
  assert.equal(state.delay(), 245);
});

test('checkedSchedule() holds the values within what makes sense', () => {
  assert.deepEqual(
    checkedSchedule({
      pauseThreshold: 3,
      deletionThreshold: 0,
      mutationThreshold: -1,
      scheduleDelay: -5,
      startupDelay: -1,
    }),
    { pauseThreshold: 0.5, deletionThreshold: 0, mutationThreshold: 0, scheduleDelay: 0, startupDelay: 0 },
  );
});
