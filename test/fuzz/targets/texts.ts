/** Short texts: names, filters, patterns, flags of the wire. */
import assert from 'node:assert/strict';
import { parseTime } from '#/base/clock.ts';
import { isIdentifier } from '#/base/identifier.ts';
import { compileRe2 } from '#/base/re2.ts';
import { parseFieldMask } from '#/core/metadata/field-mask.ts';
import { lookUp, parseFilters } from '#/core/metadata/filters.ts';
import { backReferencesOf, isExpired, referencesOf } from '#/core/metadata/garbage-labels.ts';
import { parseChallenges } from '#/core/registry/challenge.ts';
import { isDigest } from '#/oci/digest.ts';
import { formatPlatform, parsePlatform } from '#/oci/platform.ts';
import { formatReference, parseReference } from '#/oci/reference.ts';
import { decodeStatusText, encodeStatusText, parseGrpcTimeout } from '#/rpc/grpc-metadata.ts';
import type { FuzzTarget } from '../target.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const record = lookUp({ name: 'docker.io/library/hello:latest', labels: { 'a.b/c': 'value', plain: '' } });

export const textTargets: readonly FuzzTarget[] = [
  {
    name: 'parseReference',
    seeds: ['hello', 'docker.io/library/hello:1.0', `localhost:5000/a/b_c@${digest}`, `[::1]:5000/x:y@${digest}`],
    words: ['@sha256:', ':', '/', '..', '//', 'docker.io', '_', '__', '-', digest],
    run(input) {
      const reference = parseReference(input.toString());
      assert.deepEqual(parseReference(formatReference(reference)), reference, 'it reads what it writes');
      assert(!reference.path.split('/').includes('..'), 'no path climbs');
      return Object.entries(reference)
        .flatMap(([key, value]) => (value === undefined ? [] : [key]))
        .join();
    },
  },
  {
    name: 'isDigest',
    seeds: [digest, `sha512:${'ab'.repeat(64)}`, 'sha256:../../x'],
    words: ['sha256:', '../', '/', 'A'],
    run(input) {
      const text = input.toString();
      if (isDigest(text)) assert.match(text, /^sha(256|384|512):[0-9a-f]+$/, 'a digest makes a safe path');
      return String(isDigest(text));
    },
  },
  {
    name: 'isIdentifier',
    seeds: ['default', 'a.b-c_d', 'k8s.io', '.', '..'],
    words: ['.', '/', '-', '\n'],
    run(input) {
      const text = input.toString();
      if (isIdentifier(text)) assert.match(text, /^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'an identifier makes a safe path');
      return String(isIdentifier(text));
    },
  },
  {
    name: 'parsePlatform',
    seeds: ['linux/amd64', 'linux/arm64/v8', 'arm', 'windows(10.0.17763)/amd64'],
    words: ['/', 'v7', 'linux'],
    run: (input) => {
      const platform = parsePlatform(input.toString());
      assert.deepEqual(parsePlatform(formatPlatform(platform)), platform, 'it reads what it writes');
      return Object.keys(platform).join();
    },
  },
  {
    name: 'parseFilters',
    seeds: [
      'name==docker.io/library/hello:latest',
      'labels."a.b/c"==value,name~=^docker',
      'labels.plain',
      'name!=x',
      'name~=/hel+o/',
      'name~=|^a|',
      'type==io.containerd.snapshotter.v1, id==overlayfs',
    ],
    words: ['==', '!=', '~=', '"', '\\', ',', 'labels.', '|', '/', '\\u00', '\\x'],
    run: (input) => String(parseFilters([input.toString()])(record)),
  },
  {
    name: 'compileRe2',
    seeds: [
      '^(a+)+b$',
      '[[:alpha:]]{2,5}\\d',
      '(?i)x|y*?',
      '\\Qa.b\\E',
      '(?P<n>[^\\x00-\\x{10ffff}])',
      '\\pL\\PN',
      '(?s-i:.)',
    ],
    words: ['(', ')', '[', ']', '{1000}', '{2,}', '*', '+?', '|', '\\p{Greek}', '(?', '[^', '\\b', '[[:', ':]]'],
    run: (input) => String(compileRe2(input.toString())('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac 0xyz')),
  },
  {
    name: 'parseFieldMask',
    seeds: ['labels', 'labels.a.b/c', 'spec', 'extensions.x'],
    words: ['.', 'labels', '__proto__', 'constructor'],
    run(input) {
      const mask = parseFieldMask(input.toString().split('\n'), { fields: ['spec'], maps: ['labels', 'extensions'] });
      return Object.keys(
        mask.apply('labels', { a: '1' }, JSON.parse('{"__proto__":"x","b":"2"}') as Record<string, string>),
      ).join();
    },
  },
  {
    name: 'garbage labels',
    seeds: [
      `containerd.io/gc.ref.content.0\n${digest}`,
      'containerd.io/gc.ref.snapshot.overlayfs/x\nkey',
      'containerd.io/gc.bref.image\nname',
      'containerd.io/gc.expire\n2026-01-02T03:04:05.6Z',
    ],
    words: ['containerd.io/gc.', 'ref.', 'bref.', 'content', 'snapshot.', '/', '.', 'Z', '+25:99'],
    run(input) {
      const [key = '', value = ''] = input.toString().split('\n', 2);
      const labels = { [key]: value };
      return `${[...referencesOf(labels), ...backReferencesOf(labels)].length} ${String(isExpired(labels, 0n))}`;
    },
  },
  {
    name: 'parseTime',
    seeds: ['2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05+02:00', '0001-01-01T00:00:00Z'],
    words: ['T', 'Z', ':', '.', '-', '9999'],
    run: (input) => typeof parseTime(input.toString()),
  },
  {
    name: 'parseChallenges',
    seeds: [
      'Bearer realm="https://auth.example/token",service="registry",scope="repository:a:pull"',
      'Basic realm="x", Bearer realm="y\\"z"',
      'Negotiate abc==, Digest qop="auth"',
    ],
    words: ['"', '\\', ',', '=', 'Bearer ', 'realm=', '__proto__='],
    run: (input) =>
      parseChallenges(input.toString())
        .map(({ scheme }) => scheme.slice(0, 10))
        .join(),
  },
  {
    name: 'parseGrpcTimeout',
    seeds: ['10S', '99999999n', '1H'],
    words: ['S', 'm', 'u', '-'],
    run: (input) => typeof parseGrpcTimeout(input.toString()),
  },
  {
    name: 'decodeStatusText',
    seeds: ['plain', 'a%20b%C3%BC', '100%'],
    words: ['%', '%zz', '%C3', '%0'],
    run(input) {
      // What is longer is cut, on purpose.
      const text = input.toString().slice(0, 4096);
      assert.equal(decodeStatusText(encodeStatusText(text)), text.toWellFormed(), 'it reads what it writes');
      return decodeStatusText(text) === text ? 'same' : 'other';
    },
  },
];
