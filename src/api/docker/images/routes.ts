import type { Route } from '#/api/docker/call.ts';
import { historyImage, inspectImage } from '#/api/docker/images/inspect.ts';
import { listImages } from '#/api/docker/images/list.ts';
import { loadImages, saveImages } from '#/api/docker/images/archive.ts';
import { pullImage } from '#/api/docker/images/pull.ts';
import { pushImage } from '#/api/docker/images/push.ts';
import { removeImage, tagImage } from '#/api/docker/images/names.ts';

/** Engine API, "Images". A name may hold slashes, so routes are told apart by how they end. */
export const imageRoutes: readonly Route[] = [
  { method: 'GET', pattern: /^\/images\/json$/, handle: listImages },
  { method: 'POST', pattern: /^\/images\/create$/, handle: pullImage },
  { method: 'GET', pattern: /^\/images\/get$/, handle: saveImages },
  { method: 'POST', pattern: /^\/images\/load$/, handle: loadImages },
  { method: 'GET', pattern: /^\/images\/(.+)\/json$/, handle: inspectImage },
  { method: 'GET', pattern: /^\/images\/(.+)\/history$/, handle: historyImage },
  { method: 'GET', pattern: /^\/images\/(.+)\/get$/, handle: saveImages },
  { method: 'POST', pattern: /^\/images\/(.+)\/push$/, handle: pushImage },
  { method: 'POST', pattern: /^\/images\/(.+)\/tag$/, handle: tagImage },
  { method: 'DELETE', pattern: /^\/images\/(.+)$/, handle: removeImage },
];
