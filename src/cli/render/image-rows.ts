import type { ImageSummary } from '#/client/image-payloads.ts';
import type { Row } from '#/cli/render/list-format.ts';
import type { RowOptions } from '#/cli/render/container-rows.ts';
import { humanDuration, humanSize } from '#/cli/render/human-units.ts';
import { formatLocalTime } from '#/cli/render/local-time.ts';

export const imageHeaders: Readonly<Record<string, string>> = {
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  Containers: 'CONTAINERS',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
  VirtualSize: 'SIZE',
};

const none = '<none>';

interface Name {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** A row for each name of the image; one without a name is `<none>`. */
export function imageRows(image: ImageSummary, options: RowOptions & { readonly digests: boolean }): Row[] {
  return namesOf(image, options.digests).map(({ repository, tag, digest }) => ({
    ID: options.truncate ? image.Id.replace(/^sha256:/, '').slice(0, 12) : image.Id,
    Repository: repository,
    Tag: tag,
    Digest: digest,
    CreatedSince: image.Created > 0 ? `${humanDuration(options.now - image.Created * 1000)} ago` : 'N/A',
    CreatedAt: formatLocalTime(image.Created),
    Size: humanSize(image.Size),
    VirtualSize: humanSize(image.Size),
    Containers: countOf(image.Containers),
    SharedSize: (image.SharedSize ?? -1) < 0 ? 'N/A' : humanSize(image.SharedSize ?? 0),
    UniqueSize: (image.SharedSize ?? -1) < 0 ? 'N/A' : humanSize(image.Size - (image.SharedSize ?? 0)),
  }));
}

const countOf = (count: number | undefined): string => (count === undefined || count < 0 ? 'N/A' : String(count));

function namesOf(image: ImageSummary, withDigests: boolean): Name[] {
  const tags = (image.RepoTags ?? []).map((name) => splitAt(name, ':')).filter(([, tag]) => tag !== none);
  const digests = (image.RepoDigests ?? [])
    .map((name) => splitAt(name, '@'))
    .filter(([repository]) => repository !== none);
  const digestOf = (repository: string): string => digests.find(([name]) => name === repository)?.[1] ?? none;
  const tagged = tags.map(([repository, tag]) => ({ repository, tag, digest: digestOf(repository) }));
  const untagged = digests
    .filter(([repository]) => !tags.some(([name]) => name === repository))
    .map(([repository, digest]) => ({ repository, tag: none, digest }));
  if (tagged.length === 0 && untagged.length === 0) return [{ repository: none, tag: none, digest: none }];
  return withDigests || tagged.length === 0 ? [...tagged, ...untagged] : tagged;
}

function splitAt(name: string, separator: string): [string, string] {
  const at = name.lastIndexOf(separator);
  return at < 0 ? [name, none] : [name.slice(0, at), name.slice(at + 1)];
}
