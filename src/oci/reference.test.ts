import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '#/oci/digest.ts';
import { familiarReference, formatReference, parseReference } from '#/oci/reference.ts';

const digest = digestOf('x');

test('parseReference() completes short names as Docker does', () => {
  const cases: Readonly<Record<string, string>> = {
    busybox: 'docker.io/library/busybox:latest',
    'busybox:1.36': 'docker.io/library/busybox:1.36',
    'user/app': 'docker.io/user/app:latest',
    'docker.io/busybox': 'docker.io/library/busybox:latest',
    'docker.io/library/busybox': 'docker.io/library/busybox:latest',
    'index.docker.io/busybox': 'docker.io/library/busybox:latest',
    'index.docker.io/user/app:2': 'docker.io/user/app:2',
    'localhost/app': 'localhost/app:latest',
    'localhost:5000/app': 'localhost:5000/app:latest',
    'localhost:5000/a/b/c:tag': 'localhost:5000/a/b/c:tag',
    'ghcr.io/owner/app:v1': 'ghcr.io/owner/app:v1',
    'registry:5000/app': 'registry:5000/app:latest',
    'Registry/app': 'Registry/app:latest',
    '192.168.0.1/app': '192.168.0.1/app:latest',
    '[::1]:5000/app:x': '[::1]:5000/app:x',
    '[2001:db8::1]/app': '[2001:db8::1]/app:latest',
    'docker.io/app/docker.io': 'docker.io/app/docker.io:latest',
    'a__b/c-d/e.f': 'docker.io/a__b/c-d/e.f:latest',
    'a---b': 'docker.io/library/a---b:latest',
    [`busybox@${digest}`]: `docker.io/library/busybox@${digest}`,
    [`busybox:1@${digest}`]: `docker.io/library/busybox:1@${digest}`,
    [`localhost:5000/app@${digest}`]: `localhost:5000/app@${digest}`,
    'app:Tag_1.2-x': 'docker.io/library/app:Tag_1.2-x',
    'xn--n3h.com/myimage': 'xn--n3h.com/myimage:latest',
    '0x/app': 'docker.io/0x/app:latest',
  };
  for (const [text, full] of Object.entries(cases)) assert.equal(formatReference(parseReference(text)), full, text);
});

test('parseReference() refuses what no registry would take, and says why', () => {
  const cases: Readonly<Record<string, RegExp>> = {
    '': /has no name/,
    ':tag': /has no name/,
    UPPER: /lower case/,
    'ghcr.io/Owner/app': /lower case/,
    'app:': /tag/,
    'app:-x': /tag/,
    [`app:${'x'.repeat(129)}`]: /tag/,
    'app:a b': /tag/,
    'a//b': /separators/,
    '/app': /./,
    'app/': /./,
    '-app': /separators/,
    'app-': /separators/,
    a___b: /separators/,
    'a..b': /separators/,
    'a/../b': /separators/,
    '../etc/passwd': /./,
    'a/./b': /./,
    'host.io/': /has no name/,
    'http://host/app': /./,
    'https://ghcr.io/a/b': /./,
    '-bad.io/app': /no registry host/,
    'bad-.io/app': /no registry host/,
    'host:port/app': /no registry host/,
    'host:/app': /no registry host/,
    'user@host/app': /digest/,
    'app@sha256:abc': /digest/,
    [`app@sha256:${'A'.repeat(64)}`]: /digest/,
    [`app@md5:${'a'.repeat(32)}`]: /digest/,
    [`app@${digest}@${digest}`]: /digest/,
    [`docker.io/${'a/'.repeat(150)}a`]: /longer than 255/,
    'app\n': /./,
    'app:1\n': /tag/,
    'a b': /separators/,
    ünïcode: /./,
    'app\u0000': /./,
    [digest.slice('sha256:'.length)]: /64 hex digits/,
  };
  for (const [text, why] of Object.entries(cases))
    assert.throws(() => parseReference(text), { kind: 'invalid-argument', message: why }, JSON.stringify(text));
});

test('familiarReference() cuts what people leave out', () => {
  assert.equal(familiarReference(parseReference('docker.io/library/busybox')), 'busybox:latest');
  assert.equal(familiarReference(parseReference('user/app:2')), 'user/app:2');
  assert.equal(familiarReference(parseReference('ghcr.io/a/b')), 'ghcr.io/a/b:latest');
  assert.equal(familiarReference(parseReference(`busybox@${digest}`)), `busybox@${digest}`);
});

test('familiarReference() is read back as the same reference', () => {
  for (const text of [
    'busybox',
    'docker.io/library/a/b',
    'localhost/x',
    'docker.io/localhost',
    'Host/a',
    'library/x/y',
    'docker.io/x.y/z',
  ]) {
    const reference = parseReference(text);
    assert.deepEqual(parseReference(familiarReference(reference)), reference, text);
  }
});

test('parseReference() reads a long text in no time', () => {
  const started = performance.now();
  for (const text of ['a-'.repeat(100_000), `${'a.'.repeat(100_000)}/x`, 'a:'.repeat(100_000), '@'.repeat(100_000)])
    assert.throws(() => parseReference(text), { kind: 'invalid-argument' });
  assert(performance.now() - started < 500);
});
