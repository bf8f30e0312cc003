/** Documents: what registries, images, configuration files and shims say. */
import assert from 'node:assert/strict';
import { parseHostsFile } from '#/core/registry/hosts-file.ts';
import { findUser } from '#/oci/find-user.ts';
import { parseEndpoint, parseShimAnswer } from '#/core/tasks/shim-answer.ts';
import { parseMountInfo } from '#/linux/mount-info.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { mediaTypes, parseImageConfig, parseManifestOrIndex, selectManifest } from '#/oci/manifest.ts';
import { digestOf } from '#/oci/digest.ts';
import type { FuzzTarget } from '../target.ts';

const digest = digestOf('x');
const descriptor = {
  mediaType: mediaTypes.ociManifest,
  digest,
  size: 3,
  platform: { os: 'linux', architecture: 'amd64' },
};
const manifest = { schemaVersion: 2, config: descriptor, layers: [descriptor, descriptor], annotations: { a: 'b' } };
const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [descriptor], subject: descriptor };
const config = {
  os: 'linux',
  architecture: 'amd64',
  config: { Env: ['A=b'], Cmd: 'sh', Entrypoint: null, Volumes: { '/v': {} }, User: '1:2', Labels: { a: 'b' } },
  rootfs: { type: 'layers', diff_ids: [digest] },
  history: [{ created_by: 'x', empty_layer: true }],
};

const jsonWords = [
  'null',
  '{}',
  '[]',
  '-1',
  '1e999',
  '9007199254740993',
  '"',
  '"__proto__":{}',
  '\\ud800',
  ',',
  'true',
];
const jsonNames = ['"digest":', '"size":', '"manifests":', '"layers":', '"config":', '"platform":', '"rootfs":'];

export const documentTargets: readonly FuzzTarget[] = [
  {
    name: 'parseHostsFile',
    seeds: [
      'server = "https://a"\n[host."http://b:5000"]\ncapabilities = ["pull"]\n[host."http://b:5000".header]\nx = ["1", "2"]',
      'ca = ["a.crt"]\nclient = [["a", "b"], "c"]\nskip_verify = true\noverride_path = true\ndial_timeout = "1m2.5s"',
      'host = { "https://c/v2/x" = { ca = "/d" } }',
    ],
    words: [
      '[host.',
      '"]\n',
      'https://',
      '://',
      '[[',
      '""',
      "'''",
      '= ',
      'server',
      '__proto__',
      '1979-05-27',
      '\\u0000',
    ],
    run(input) {
      const { mirrors, server, unknownKeys } = parseHostsFile(input.toString(), '/certs');
      for (const { root, headers, tls } of mirrors) {
        assert.match(root.protocol, /^https?:$/);
        for (const value of Object.values(headers)) assert.doesNotMatch(value, /[\r\n\0]/, 'no header ends another');
        for (const path of tls.ca ?? []) assert(path.startsWith('/'));
      }
      return `${mirrors.length} ${String(server.address?.scheme)} ${unknownKeys.length}`;
    },
  },
  {
    name: 'parseManifestOrIndex',
    seeds: [JSON.stringify(manifest), JSON.stringify(index)],
    words: [...jsonWords, ...jsonNames],
    run(input) {
      const document = parseManifestOrIndex(digest, mediaTypes.ociManifest, input);
      if (document.kind === 'index')
        return `index ${String(selectManifest(document.index, hostPlatform())?.mediaType)}`;
      return `manifest ${document.manifest.layers.length}`;
    },
  },
  {
    name: 'parseImageConfig',
    seeds: [JSON.stringify(config)],
    words: [...jsonWords, ...jsonNames],
    run: (input) => Object.keys(parseImageConfig(digest, input)).join(),
  },
  {
    name: 'parseShimAnswer',
    seeds: [
      'unix:///run/s/abc',
      '{"version":3,"address":"unix:///run/s/x","protocol":"ttrpc"}',
      '\x08\x03\x12\x0cunix:///run/x\x1a\x05ttrpc',
    ],
    words: [...jsonWords, 'unix://', 'grpc', '"version":'],
    run: (input) => parseShimAnswer(input),
  },
  {
    name: 'parseEndpoint',
    seeds: ['{"version":2,"address":"/run/s/x","protocol":"ttrpc"}'],
    words: jsonWords,
    run: (input) => parseEndpoint(input.toString()),
  },
  {
    name: 'findUser',
    seeds: [
      'web:www\nroot:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/var/www:\n\nwww:x:33:web,root',
      '0:0\n\n',
      '65534\nx:x:65534:1::/:\n',
    ],
    words: [':', '\n', '4294967296', '-1', 'root'],
    run(input) {
      const [user = '', ...lines] = input.toString().split('\n');
      const half = Math.ceil(lines.length / 2);
      const found = findUser(user, { passwd: lines.slice(0, half).join('\n'), group: lines.slice(half).join('\n') });
      for (const id of [found.uid, found.gid, ...found.additionalGids])
        assert(Number.isInteger(id) && id >= 0 && id < 2 ** 32, `${id} is an id`);
      return Object.keys(found).join();
    },
  },
  {
    name: 'parseMountInfo',
    seeds: ['36 35 98:0 /mnt1 /mnt\\0402 rw,noatime shared:1 - ext3 /dev/root rw,errors=continue\n'],
    words: [' - ', '\\040', '\n', ' '],
    run: (input) => `${parseMountInfo(input.toString()).length}`,
  },
];
