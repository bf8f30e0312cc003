import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, ForeignEvent } from '#/core/events/contract.ts';
import { eventField } from '#/core/events/event-fields.ts';
import { digestOf } from '#/oci/digest.ts';

const field = (event: CoreEvent | ForeignEvent, ...path: string[]): string | undefined =>
  eventField({ timestamp: 1n, namespace: 'moby', event }, path);

const exit: CoreEvent = { topic: '/tasks/exit', containerId: 'c', id: 'e', pid: 4, exitStatus: 137, exitedAt: 2n };

test('eventField() finds the envelope by namespace and topic', () => {
  assert.equal(field(exit, 'namespace'), 'moby');
  assert.equal(field(exit, 'topic'), '/tasks/exit');
  assert.equal(field(exit, 'topic', 'x'), undefined);
  assert.equal(field(exit, 'timestamp'), undefined);
  assert.equal(field(exit), undefined);
});

test('eventField() finds fields by their wire names', () => {
  assert.equal(field(exit, 'event', 'container_id'), 'c');
  assert.equal(field(exit, 'event', 'id'), 'e');
  assert.equal(field(exit, 'event', 'exit_status'), '137');
  assert.equal(field(exit, 'event', 'containerId'), undefined);
  const update: CoreEvent = { topic: '/containers/update', id: 'c', image: 'i', labels: {}, snapshotKey: 'k' };
  assert.equal(field(update, 'event', 'snapshot_key'), 'k');
  const blob = digestOf('x');
  assert.equal(field({ topic: '/content/create', digest: blob, size: 5 }, 'event', 'digest'), blob);
});

test('eventField() joins the rest of the path to one label key', () => {
  const labels = { 'a.b/c': 'v', plain: 'w' };
  const event: CoreEvent = { topic: '/images/create', name: 'n', labels };
  assert.equal(field(event, 'event', 'labels', 'a', 'b/c'), 'v');
  assert.equal(field(event, 'event', 'labels', 'plain'), 'w');
  assert.equal(field(event, 'event', 'labels', 'toString'), undefined);
  assert.equal(field(event, 'event', 'labels'), undefined);
  assert.equal(field(event, 'event', 'name', 'x'), undefined);
  const runtime = { name: 'io.containerd.runc.v2' };
  const create: CoreEvent = { topic: '/containers/create', id: 'c', image: 'i', runtime };
  assert.equal(field(create, 'event', 'runtime', 'name'), runtime.name);
});

test('eventField() of an unknown event knows namespace and topic only', () => {
  const event: ForeignEvent = { topic: '/mine', foreign: { typeUrl: 'x', value: new Uint8Array() } };
  assert.equal(field(event, 'topic'), '/mine');
  assert.equal(field(event, 'event', 'foreign'), undefined);
});
