/** Docker's multiplexed stream: type, three zeros, length as four bytes big-endian, data. */
export function frame(stream: 'stdout' | 'stderr', data: Uint8Array): Buffer {
  const framed = Buffer.alloc(8 + data.length);
  framed[0] = stream === 'stdout' ? 1 : 2;
  framed.writeUInt32BE(data.length, 4);
  framed.set(data, 8);
  return framed;
}
