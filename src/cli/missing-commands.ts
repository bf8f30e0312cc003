/** What docker has and berth has not yet: known by name, so that nobody looks for a typing mistake. */
const missing: readonly string[] = [
  'build',
  'builder',
  'buildx',
  'commit',
  'compose',
  'cp',
  'diff',
  'export',
  'import',
  'manifest',
  'network',
  'plugin',
  'port',
  'search',
  'stats',
  'update',
  'volume',
  'container commit',
  'container cp',
  'container diff',
  'container export',
  'container port',
  'container prune',
  'container stats',
  'container update',
  'image build',
  'image import',
  'image prune',
  'system df',
  'system prune',
];

const ways: Readonly<Record<string, string>> = {
  stats: 'berth ctr stats',
  'container stats': 'berth ctr stats',
  'container prune': 'berth ctr prune',
  'image prune': 'berth ctr images prune',
  'system prune': 'berth ctr prune --images',
};

/** A sentence for a command that is missing; undefined for what is none anywhere. */
export function describeMissing(words: string): string | undefined {
  if (!missing.includes(words)) return undefined;
  const way = ways[words];
  return `"${words}" is not there yet${way === undefined ? '' : `; "${way}" is`}`;
}
