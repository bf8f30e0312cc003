import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectEntries, type EntrySelection } from '#/core/images/select-entries.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parsePlatform, type Platform } from '#/oci/platform.ts';

const entry = (name: string, platform?: Platform): Descriptor => ({
  mediaType: mediaTypes.ociManifest,
  digest: digestOf(name),
  size: name.length,
  annotations: { name },
  ...(platform === undefined ? {} : { platform }),
});
const manifests = [
  entry('attestation', { os: 'unknown', architecture: 'unknown' }),
  entry('v6', parsePlatform('linux/arm/v6')),
  entry('amd64', parsePlatform('linux/amd64')),
  entry('unnamed'),
  entry('again', parsePlatform('linux/amd64')),
];

function choose(selection: Omit<EntrySelection, 'what'>, from: readonly Descriptor[] = manifests): string[] {
  const index = { mediaType: mediaTypes.ociIndex, manifests: from, annotations: {} };
  const chosen = selectEntries(index, { what: 'it', ...selection });
  return chosen.map(({ entry: { annotations }, whole }) => `${annotations?.['name']}${whole ? '' : ' (metadata)'}`);
}

test('selectEntries() takes all that are exactly for a platform, or the best that runs on it', () => {
  assert.deepEqual(choose({ platforms: [parsePlatform('linux/amd64')] }), ['amd64', 'again']);
  assert.deepEqual(choose({ platforms: [parsePlatform('linux/arm/v7')] }), ['v6']);
  assert.deepEqual(choose({ platforms: ['linux/arm/v6', 'linux/amd64'].map(parsePlatform) }), ['v6', 'amd64', 'again']);
});

test('selectEntries() takes entries without a platform where none fits, and beside the others when lenient', () => {
  assert.deepEqual(choose({ platforms: [parsePlatform('linux/s390x')] }), ['unnamed']);
  assert.deepEqual(choose({ platforms: [parsePlatform('linux/arm/v6')], lenient: true }), ['v6', 'unnamed']);
  const named = manifests.filter(({ platform }) => platform !== undefined);
  assert.throws(() => choose({ platforms: [parsePlatform('linux/s390x')] }, named), {
    kind: 'not-found',
    message: /no image for linux\/s390x; there are linux\/arm\/v6, linux\/amd64$/,
  });
});

test('selectEntries() of all platforms takes everything; metadata of the rest and a limit come after the best', () => {
  assert.deepEqual(choose({ platforms: [] }), ['attestation', 'v6', 'amd64', 'unnamed', 'again']);
  const amd64 = { platforms: [parsePlatform('linux/amd64')], allMetadata: true };
  assert.deepEqual(choose(amd64), ['amd64', 'again', 'attestation (metadata)', 'v6 (metadata)', 'unnamed (metadata)']);
  assert.deepEqual(choose({ ...amd64, manifestLimit: 3 }), ['amd64', 'again', 'attestation (metadata)']);
});
