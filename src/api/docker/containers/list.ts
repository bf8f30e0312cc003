import { EngineError } from '#/base/errors.ts';
import { listRecords } from '#/engine/find-container.ts';
import { viewContainer, type ContainerView } from '#/engine/view.ts';
import { matchesLabels, queryFilters, queryFlag, queryNumber, type Handler } from '#/api/docker/call.ts';
import { familiarImage } from '#/api/docker/familiar-image.ts';
import { statusText } from '#/api/docker/status-text.ts';

const known = [
  'ancestor',
  'before',
  'exited',
  'id',
  'label',
  'name',
  'network',
  'since',
  'status',
  'health',
  'is-task',
  'publish',
  'expose',
  'volume',
];

export const list: Handler = async ({ engine, namespace, query, answer }) => {
  const filters = queryFilters(query, known);
  const limit = queryNumber(query, 'limit') ?? 0;
  const records = listRecords(engine, namespace);
  const views = await Promise.all(records.map((core) => viewContainer(engine, namespace, core)));
  const newestFirst = views.sort((a, b) => (a.core.createdAt < b.core.createdAt ? 1 : -1));
  const everything = queryFlag(query, 'all') || limit > 0 || filters.has('status') || filters.has('exited');
  const chosen = newestFirst.filter(
    (view) =>
      (everything || view.status === 'running' || view.status === 'paused') && passes(view, filters, newestFirst),
  );
  answer.send(200, (limit > 0 ? chosen.slice(0, limit) : chosen).map(row));
};

function row(view: ContainerView): object {
  const { core, config, hostConfig } = view;
  return {
    Id: core.id,
    Names: [`/${view.name}`],
    Image: view.ours ? config.Image : familiarImage(core.image),
    ImageID: view.imageId,
    Command: view.args.join(' '),
    Created: Number(core.createdAt / 1_000_000_000n),
    Ports: [],
    Labels: config.Labels ?? core.labels,
    State: view.status,
    Status: statusText(view),
    HostConfig: { NetworkMode: hostConfig.NetworkMode ?? 'default' },
    NetworkSettings: { Networks: {} },
    Mounts: [],
  };
}

type Filters = ReadonlyMap<string, readonly string[]>;

function passes(view: ContainerView, filters: Filters, all: readonly ContainerView[]): boolean {
  const any = (name: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(name);
    return values === undefined || values.length === 0 || values.some(test);
  };
  const { core } = view;
  return (
    matchesLabels(view.config.Labels ?? core.labels, filters.get('label')) &&
    any('id', (text) => core.id.startsWith(text)) &&
    any('name', (text) => namePattern(text).test(view.name) || namePattern(text).test(`/${view.name}`)) &&
    any('status', (text) => view.status === text) &&
    any('exited', (text) => view.status === 'exited' && String(view.exitCode) === text) &&
    any('ancestor', (text) => familiarImage(core.image) === familiarImage(text) || view.imageId.includes(text)) &&
    any('network', (text) => (view.hostConfig.NetworkMode ?? '') === text) &&
    any('before', (text) => core.createdAt < createdAt(all, text)) &&
    any('since', (text) => core.createdAt > createdAt(all, text)) &&
    any('health', (text) => text === 'none') &&
    any('is-task', (text) => text === 'false') &&
    any('publish', () => false) &&
    any('expose', (text) => Object.keys(view.config.ExposedPorts ?? {}).includes(text)) &&
    any('volume', () => false)
  );
}

const longestPattern = 256;

/** Docker matches names as regular expressions; a text that is none is taken literally. */
function namePattern(text: string): RegExp {
  const literal = text.slice(0, longestPattern).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const simple = /^\^?\/?[\w./-]*\$?$/.test(text);
  return new RegExp(simple ? text : literal);
}

function createdAt(views: readonly ContainerView[], text: string): bigint {
  const name = text.replace(/^\//, '');
  const found = views.find((view) => view.name === name || (name !== '' && view.core.id.startsWith(name)));
  if (found === undefined) throw new EngineError('not-found', `No such container: ${text}`);
  return found.core.createdAt;
}
