import type { TypedValue } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { checkIdentifier } from '#/base/identifier.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import { applyLabels, parseFieldMask } from '#/core/metadata/field-mask.ts';
import type { Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { findValueOfAny, valueOfAny } from '#/rpc/any.ts';

/** The record that a Create asks for, checked. Times are ours, whatever the client says. */
export function newContainer(wire: Container): ContainerRecord {
  const time = now();
  return checkRecord({ ...readContainer(wire), createdAt: time, updatedAt: time });
}

const changeable = { fields: ['spec', 'image', 'snapshotkey'], maps: ['labels', 'extensions'] };

/** The stored record with the changes that a mask names, or with all that may change when there is no mask. */
export function changeContainer(before: ContainerRecord, wire: Container, paths: readonly string[]): ContainerRecord {
  const wanted = readContainer(wire);
  const mask = parseFieldMask(paths, changeable);
  if (paths.length === 0) checkImmutable(before, wanted);
  return checkRecord({
    ...before,
    labels: applyLabels(mask, before.labels, wanted.labels),
    extensions: mask.apply('extensions', before.extensions, wanted.extensions),
    spec: mask.replaces('spec') ? wanted.spec : before.spec,
    image: mask.replaces('image') ? wanted.image : before.image,
    snapshotKey: mask.replaces('snapshotkey') ? wanted.snapshotKey : before.snapshotKey,
    updatedAt: now(),
  });
}

type Wanted = Omit<ContainerRecord, 'createdAt' | 'updatedAt'>;

function readContainer(wire: Container): Wanted {
  const options = findValueOfAny(wire.runtime?.options);
  const extensions = Object.entries(wire.extensions).map(([key, any]): [string, TypedValue] => [key, valueOfAny(any)]);
  return {
    id: wire.id,
    image: wire.image,
    runtime: { name: wire.runtime?.name ?? '', ...(options === undefined ? {} : { options }) },
    spec: findValueOfAny(wire.spec) ?? { typeUrl: '', value: new Uint8Array() },
    snapshotter: wire.snapshotter,
    snapshotKey: wire.snapshotKey,
    extensions: Object.fromEntries(extensions),
    sandbox: wire.sandbox,
    labels: { ...wire.labels },
  };
}

function checkImmutable(before: ContainerRecord, wanted: Wanted): void {
  if (before.snapshotter !== wanted.snapshotter || before.runtime.name !== wanted.runtime.name)
    throw new EngineError(
      'invalid-argument',
      `Cannot update container "${before.id}": its snapshotter and its runtime's name are immutable`,
    );
}

function checkRecord(record: ContainerRecord): ContainerRecord {
  checkIdentifier('a container id', record.id);
  const labels = checkLabels(`container "${record.id}"`, record.labels);
  const why = whatIsMissing(record);
  if (why === undefined) return { ...record, labels };
  throw new EngineError('invalid-argument', `Cannot store container "${record.id}": ${why}`);
}

function whatIsMissing({ runtime, spec, snapshotter, snapshotKey, extensions }: ContainerRecord): string | undefined {
  if (runtime.name === '') return 'it names no runtime';
  if (spec.typeUrl === '' && spec.value.length === 0) return 'it has no spec';
  if (snapshotKey !== '' && snapshotter === '') return 'it has a snapshot key but no snapshotter';
  if (Object.keys(extensions).includes('')) return 'one of its extensions has no name';
  return undefined;
}
