import { isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { getContentInfo, readDocument } from '#/client/containerd/content.ts';
import { getImage } from '#/client/containerd/find-image.ts';
import { targetOf } from '#/client/containerd/image-graph.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonText, printedTime, sortedMap } from '#/cli/ctr/ctr-text.ts';
import { boolean } from '#/cli/flags.ts';
import { parseManifestOrIndex } from '#/oci/manifest.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { isIndexType, isManifestType } from '#/oci/manifest.ts';
import { formatPlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE',
  about: 'Show what an image consists of, as a tree',
  flags: { content: boolean('', 'Show documents and labels too') },
  arity: exactly(1),
  run: async ({ flags, args, out, connect }) => {
    const client = await connect();
    const image = await getImage(client, args[0] ?? '');
    out.line(image.name);
    out.line(`│    Created: ${printedTime(image.createdAt)}`);
    out.line(`│    Updated: ${printedTime(image.updatedAt)}`);
    for (const [key, value] of Object.entries(sortedMap(image.labels)))
      out.line(`│    Label ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
    const print = (line: string): void => out.line(line);
    await printNode({ client, print, content: flags.content }, targetOf(image), root);
  },
});

interface Printer {
  readonly client: ContainerdClient;
  readonly print: (line: string) => void;
  readonly content: boolean;
}

interface Branch {
  readonly prefix: string;
  /** What stands before all below it. */
  readonly below: string;
}

const root: Branch = { prefix: '└── ', below: '    ' };
const middle = (below: string): Branch => ({ prefix: `${below}├── `, below: `${below}│   ` });
const last = (below: string): Branch => ({ prefix: `${below}└── `, below: `${below}    ` });

const headline = ({ mediaType, digest, size }: Descriptor): string => `${mediaType} @${digest} (${size} bytes)`;

async function printNode(printer: Printer, descriptor: Descriptor, branch: Branch): Promise<void> {
  const { client, print } = printer;
  const side = `${branch.below}│   `;
  print(branch.prefix + headline(descriptor));
  if (descriptor.platform !== undefined && descriptor.platform.architecture !== '')
    print(`${side} Platform: ${formatPlatform(descriptor.platform)}`);
  const bytes = await readDocument(client, descriptor.digest).catch((error: unknown) => {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  });
  if (bytes === undefined) return print(`${branch.below}└──  Content does not exist locally, skipping`);
  await printContent(printer, descriptor, side);
  if (!isManifestType(descriptor.mediaType) && !isIndexType(descriptor.mediaType)) return;
  const parsed = parseManifestOrIndex(descriptor.digest, descriptor.mediaType, bytes);
  if (parsed.kind === 'manifest') return await printManifest(printer, parsed.manifest, branch.below);
  for (const [at, child] of parsed.index.manifests.entries())
    await printNode(
      printer,
      child,
      at === parsed.index.manifests.length - 1 ? last(branch.below) : middle(branch.below),
    );
}

async function printManifest(
  printer: Printer,
  { config, layers }: { readonly config: Descriptor; readonly layers: readonly Descriptor[] },
  below: string,
): Promise<void> {
  const branch = layers.length === 0 ? last(below) : middle(below);
  printer.print(branch.prefix + headline(config));
  await printContent(printer, config, branch.below);
  for (const [at, layer] of layers.entries())
    printer.print((at === layers.length - 1 ? last(below) : middle(below)).prefix + headline(layer));
}

async function printContent({ client, print, content }: Printer, descriptor: Descriptor, side: string): Promise<void> {
  if (!content) return;
  const { labels } = await getContentInfo(client, descriptor.digest);
  if (Object.keys(labels).length > 0) {
    print(`${side}┌────────Labels─────────`);
    for (const [key, value] of Object.entries(sortedMap(labels)))
      print(`${side}│${JSON.stringify(key)}: ${JSON.stringify(value)}`);
    print(`${side}└───────────────────────`);
  }
  if (!descriptor.mediaType.endsWith('json')) return;
  const text = jsonText(JSON.parse((await readDocument(client, descriptor.digest)).toString()), '   ');
  print(`${side}┌────────Content────────`);
  for (const line of text.split('\n')) print(`${side}│${line}`);
  print(`${side}└───────────────────────`);
}
