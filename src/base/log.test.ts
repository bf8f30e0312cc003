import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, formatLogLine, parseLogLevel } from '#/base/log.ts';

test('createLogger() writes what is at its level or above, with its fields', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => lines.push(line), fields: { part: 'net' } });
  logger.debug('hidden');
  logger.info('shown', { id: 7 });
  logger.with({ task: 'c1' }).error('worse', { id: 8n, gone: undefined });
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /^time=\S+ level=info msg="shown" part=net id=7\n$/);
  assert.match(lines[1] ?? '', /level=error msg="worse" part=net task=c1 id=8\n$/);
});

test('createLogger() of format json writes one object per line', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', format: 'json', write: (line) => lines.push(line) });
  logger.with({ task: 'c1' }).debug('two\nlines', { big: 8n, gone: undefined });
  assert.equal(lines.length, 1);
  const { time, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.match(String(time), /^\d{4}-.*Z$/);
  assert.deepEqual(rest, { level: 'debug', msg: 'two\nlines', task: 'c1', big: '8' });
});

test('formatLogLine() is one line whatever a field holds', () => {
  const line = formatLogLine('warn', 'two\nlines "quoted"', { a: 'x y', b: 'line\nbreak', c: '', d: true, e: 'k=v' });
  assert.equal(line.split('\n').length, 2);
  assert(
    line.endsWith(' level=warn msg="two\\nlines \\"quoted\\"" a="x y" b="line\\nbreak" c="" d=true e="k=v"\n'),
    line,
  );
});

test('parseLogLevel() takes the levels of containerd', () => {
  const levels = ['trace', 'DEBUG', 'info', 'warn', 'warning', 'error', 'fatal', 'panic'].map(parseLogLevel);
  assert.deepEqual(levels, ['trace', 'debug', 'info', 'warn', 'warn', 'error', 'error', 'error']);
  for (const text of ['', 'loud', 'toString', 'constructor', '__proto__']) assert.equal(parseLogLevel(text), undefined);
});
