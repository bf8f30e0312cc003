/** Lists whose items seldom change: each item is encoded once, and an answer is put together from bytes. */
import type { DescMessage, MessageInitShape, MessageShape, UnknownField } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** The bytes of an item as a field has them, its length before it. */
export type EncodedItem = Uint8Array;

/**
 * Encodes an object the first time it is asked for, and keeps the bytes as long as the object lives. It must never be
 * changed in place.
 */
export function encodeOnce<T extends object, D extends DescMessage>(
  schema: D,
  wire: (item: T) => MessageInitShape<D>,
): (item: T) => EncodedItem {
  const known = new WeakMap<T, EncodedItem>();
  return (item) => {
    const before = known.get(item);
    if (before !== undefined) return before;
    const bytes = new BinaryWriter().bytes(toBinary(schema, create(schema, wire(item)))).finish();
    known.set(item, bytes);
    return bytes;
  };
}

/** A message whose field of this number holds the items, and nothing else. To a reader it is like any other. */
export function messageOfItems<D extends DescMessage>(
  schema: D,
  field: number,
  items: readonly EncodedItem[],
): MessageShape<D> {
  const message = create(schema);
  message.$unknown = items.map((data): UnknownField => ({ no: field, wireType: WireType.LengthDelimited, data }));
  return message;
}
