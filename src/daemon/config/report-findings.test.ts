import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger, type Logger } from '#/base/log.ts';
import { reportFindings } from '#/daemon/config/report-findings.ts';

test('reportFindings() says where version 4 has a table of older versions', () => {
  const told: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, fields) => void told.push(fields) };
  const unknown = ['metrics', 'debug.address', 'bogus'].map((key) => ({ key }));
  const document = { document: {}, files: [], missing: [] };
  reportFindings(document, { unknown, notFollowed: [], repeated: [] }, logger);
  assert.deepEqual(told, [
    { key: 'metrics', nearest: 'plugins."io.containerd.server.v1.metrics"' },
    { key: 'debug.address', nearest: 'plugins."io.containerd.server.v1.debug".address' },
    { key: 'bogus', nearest: undefined },
  ]);
});
