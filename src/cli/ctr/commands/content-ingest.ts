import { writeContent } from '#/client/containerd/write-content.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { number, text } from '#/cli/flags.ts';
import { parseDigest } from '#/oci/digest.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] REF',
  about: 'Store what comes on standard input as a blob; REF names the upload',
  examples: ['berth ctr content ingest my-upload < file'],
  flags: {
    'expected-size': number('', 'BYTES', 'Refuse it unless it has this size'),
    'expected-digest': text('', 'DIGEST', 'Refuse it unless it has this digest'),
  },
  arity: exactly(1),
  run: async ({ flags, args, connect }) => {
    const [ref = ''] = args;
    const expected = flags['expected-digest'] ?? '';
    if (expected !== '') parseDigest(expected);
    const wish = { ref, total: flags['expected-size'] ?? 0, expected };
    await writeContent(await connect(), wish, process.stdin as AsyncIterable<Buffer>);
  },
});
