/** Messages as Go's encoding/json writes its generated structs: proto names, zero values left out, numbers as numbers. */
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { isMessage } from '@bufbuild/protobuf';
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';

export function messageFields(schema: DescMessage, message: Message): Record<string, unknown> {
  return fieldsOf(reflect(schema, message));
}

function fieldsOf(message: ReflectMessage): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const field of message.fields) if (message.isSet(field)) result[nameOf(field)] = valueOf(message, field);
  return result;
}

const nameOf = (field: DescField): string => field.name;

function valueOf(message: ReflectMessage, field: DescField): unknown {
  switch (field.fieldKind) {
    case 'message':
      return fieldsOf(message.get(field));
    case 'list': {
      const entries = [...message.get(field)];
      return field.listKind === 'message' ? entries.map((entry) => fieldsOf(entry as ReflectMessage)) : entries;
    }
    case 'map': {
      const entries = [...message.get(field).entries()].map(([key, value]): [string, unknown] => [String(key), value]);
      const plain = entries.map(([key, value]): [string, unknown] => [
        key,
        isReflected(value) ? fieldsOf(value) : value,
      ]);
      return Object.fromEntries(plain.sort(([left], [right]) => (left < right ? -1 : 1)));
    }
    case 'scalar':
    case 'enum':
      return message.get(field);
  }
}

function isReflected(value: unknown): value is ReflectMessage {
  return typeof value === 'object' && value !== null && 'message' in value && isMessage(value.message);
}
