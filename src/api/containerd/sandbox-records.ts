import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import type { TypedValue } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { checkIdentifier } from '#/base/identifier.ts';
import type { SandboxRecord } from '#/core/metadata/contract.ts';
import { applyLabels, parseFieldMask } from '#/core/metadata/field-mask.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { Sandbox, SandboxSchema } from '#/gen/containerd/types/sandbox_pb.ts';
import { anyOfValue, findAnyOfValue, findValueOfAny, valueOfAny } from '#/rpc/any.ts';

/** The record that a Create asks for, checked. Times are ours, whatever the client says. */
export function newSandbox(wire: Sandbox): SandboxRecord {
  const time = now();
  return checkRecord({ ...readSandbox(wire), createdAt: time, updatedAt: time });
}

const changeable = { fields: ['spec', 'runtime'], maps: ['labels', 'extensions'] };

/** The stored record with the changes that the paths name, or with all that may change when there are none. */
export function changeSandbox(before: SandboxRecord, wire: Sandbox, paths: readonly string[]): SandboxRecord {
  const wanted = readSandbox(wire);
  const mask = parseFieldMask(paths, changeable);
  if (paths.length === 0 && before.runtime.name !== wanted.runtime.name)
    throw new EngineError('invalid-argument', `Cannot update sandbox "${before.id}": its runtime's name is immutable`);
  const { spec: storedSpec, ...rest } = before;
  const spec = mask.replaces('spec') ? wanted.spec : storedSpec;
  return checkRecord({
    ...rest,
    ...(spec === undefined ? {} : { spec }),
    runtime: mask.replaces('runtime') ? wanted.runtime : before.runtime,
    labels: applyLabels(mask, before.labels, wanted.labels),
    extensions: mask.apply('extensions', before.extensions, wanted.extensions),
    updatedAt: now(),
  });
}

/** What a client says of a sandbox, unchecked. */
export function readSandbox(wire: Sandbox): Omit<SandboxRecord, 'createdAt' | 'updatedAt'> {
  const options = findValueOfAny(wire.runtime?.options);
  const spec = findValueOfAny(wire.spec);
  const extensions = Object.entries(wire.extensions).map(([key, any]): [string, TypedValue] => [key, valueOfAny(any)]);
  return {
    id: wire.sandboxId,
    runtime: { name: wire.runtime?.name ?? '', ...(options === undefined ? {} : { options }) },
    sandboxer: wire.sandboxer,
    ...(spec === undefined ? {} : { spec }),
    labels: { ...wire.labels },
    extensions: Object.fromEntries(extensions),
  };
}

function checkRecord(record: SandboxRecord): SandboxRecord {
  checkIdentifier('a sandbox id', record.id);
  checkLabels(`sandbox "${record.id}"`, record.labels);
  if (Object.keys(record.extensions).includes(''))
    throw new EngineError('invalid-argument', `Cannot store sandbox "${record.id}": one of its extensions has no name`);
  return record;
}

export function wireSandbox(record: SandboxRecord): MessageInitShape<typeof SandboxSchema> {
  const options = findAnyOfValue(record.runtime.options);
  const spec = findAnyOfValue(record.spec);
  const extensions = Object.entries(record.extensions).map(([key, value]) => [key, anyOfValue(value)] as const);
  return {
    sandboxId: record.id,
    runtime: { name: record.runtime.name, ...(options === undefined ? {} : { options }) },
    sandboxer: record.sandboxer,
    ...(spec === undefined ? {} : { spec }),
    labels: { ...record.labels },
    extensions: Object.fromEntries(extensions),
    createdAt: timestampOf(record.createdAt),
    updatedAt: timestampOf(record.updatedAt),
  };
}
