import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';

/** Type URLs of runtime-spec documents: their value is JSON text, not protobuf. */
export const jsonTypeUrls = {
  spec: 'types.containerd.io/opencontainers/runtime-spec/1/Spec',
  process: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  linuxResources: 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources',
  features: 'types.containerd.io/opencontainers/runtime-spec/1/features/Features',
} as const;

const defaultHost = 'type.googleapis.com/';

/** The opaque value of an Any; the default host is taken off the type URL, the bytes stay as they are. */
export function valueOfAny(any: Any): TypedValue {
  const typeUrl = any.typeUrl.startsWith(defaultHost) ? any.typeUrl.slice(defaultHost.length) : any.typeUrl;
  return { typeUrl, value: any.value };
}

export const findValueOfAny = (any: Any | undefined): TypedValue | undefined =>
  any === undefined ? undefined : valueOfAny(any);

export const anyOfValue = (value: TypedValue): Any => create(AnySchema, { typeUrl: value.typeUrl, value: value.value });

export const findAnyOfValue = (value: TypedValue | undefined): Any | undefined =>
  value === undefined ? undefined : anyOfValue(value);

/** Encodes a message under its bare full name, which is the form Go's typeurl compares. */
export function packMessage<D extends DescMessage>(schema: D, message: MessageInitShape<D>): TypedValue {
  return { typeUrl: schema.typeName, value: toBinary(schema, create(schema, message)) };
}

/** True when the value says it holds `schema`, whatever host stands before the name. */
export const holdsMessage = (value: TypedValue, schema: DescMessage): boolean =>
  value.typeUrl.slice(value.typeUrl.lastIndexOf('/') + 1) === schema.typeName;

/** Throws `invalid-argument` when the value holds another type or does not decode. */
export function unpackMessage<D extends DescMessage>(schema: D, value: TypedValue): MessageShape<D> {
  if (!holdsMessage(value, schema))
    throw new EngineError('invalid-argument', `Cannot read a "${value.typeUrl}" as ${schema.typeName}`);
  try {
    return fromBinary(schema, value.value);
  } catch (error) {
    throw new EngineError('invalid-argument', `Cannot decode a ${schema.typeName}`, { cause: error });
  }
}

export function packJson(typeUrl: string, document: unknown): TypedValue {
  return { typeUrl, value: Buffer.from(JSON.stringify(document)) };
}

/** The parsed JSON of a value; the caller checks its shape. Throws `invalid-argument`. */
export function unpackJson(value: TypedValue): unknown {
  try {
    return JSON.parse(Buffer.from(value.value).toString('utf8'));
  } catch (error) {
    throw new EngineError('invalid-argument', `Cannot read a "${value.typeUrl}" as JSON`, { cause: error });
  }
}
