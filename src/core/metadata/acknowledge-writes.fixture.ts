/** The child of the kill -9 test: writes records without end and prints the key of each one that was acknowledged. */
import { writeSync } from 'node:fs';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { digestOf } from '#/oci/digest.ts';

const [path = '', round = ''] = process.argv.slice(2);
const metadata = await openMetadata({ path });
const at = { createdAt: 1n, updatedAt: 1n };

async function writeForever(writer: string): Promise<void> {
  for (let count = 0; ; count++) {
    const name = `${round}/${writer}/${count}`;
    const digest = digestOf(name);
    await metadata.write((tx) => {
      tx.images.create('n', {
        ...at,
        name,
        labels: { pad: 'x'.repeat(2000) },
        target: { mediaType: 'm', digest, size: 1 },
      });
      tx.content.create('n', { ...at, digest, size: 1, labels: {} });
      if (count > 3) tx.leases.delete('n', `${round}/${writer}/${count - 4}`);
      tx.leases.create('n', { id: name, labels: {}, createdAt: 1n });
    });
    writeSync(1, `${name}\n`);
  }
}

await Promise.all(['a', 'b', 'c', 'd'].map(writeForever));
