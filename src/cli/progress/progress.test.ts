import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgressMessage } from '#/client/image-payloads.ts';
import type { Output } from '#/cli/output.ts';
import { ProgressModel, type LayerProgress } from '#/cli/progress/progress-model.ts';
import { viewLayers, type ViewShape } from '#/cli/progress/progress-view.ts';
import { showProgress } from '#/cli/progress/show-progress.ts';
import { textWidth } from '#/cli/render/text-width.ts';

const pull: readonly ProgressMessage[] = [
  { status: 'Pulling from library/a', id: 'latest' },
  { status: 'Pulling fs layer', progressDetail: {}, id: '111111111111' },
  { status: 'Pulling fs layer', progressDetail: {}, id: '222222222222' },
  { status: 'Downloading', progressDetail: { current: 500_000, total: 1_000_000 }, id: '111111111111' },
  { status: 'Downloading', progressDetail: { current: 900_000, total: 1_000_000 }, id: '111111111111' },
  { status: 'Download complete', progressDetail: {}, id: '111111111111' },
  { status: 'Extracting', progressDetail: { current: 1, total: 2 }, id: '111111111111' },
  { status: 'Pull complete', progressDetail: {}, id: '111111111111' },
  { status: 'Already exists', progressDetail: {}, id: '222222222222' },
  { status: 'Digest: sha256:00' },
  { status: 'Status: Downloaded newer image for a:latest' },
];

async function* streamOf(messages: readonly ProgressMessage[], pause = 0): AsyncGenerator<ProgressMessage> {
  for (const message of messages) {
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    yield message;
  }
}

function recorder(): { output: Output; text: () => string } {
  let all = '';
  return {
    output: { line: (text) => void (all += `${text}\n`), text: (text) => void (all += text), write: async () => {} },
    text: () => all,
  };
}

test('showProgress() prints a line per change where there is no terminal', async () => {
  const { output, text } = recorder();
  await showProgress(streamOf([...pull, { stream: 'Loaded image: a\n' }]), { output, shape: () => undefined });
  assert.equal(
    text(),
    [
      'latest: Pulling from library/a',
      '111111111111: Pulling fs layer',
      '222222222222: Pulling fs layer',
      '111111111111: Download complete',
      '111111111111: Pull complete',
      '222222222222: Already exists',
      'Digest: sha256:00',
      'Status: Downloaded newer image for a:latest',
      'Loaded image: a',
      '',
    ].join('\n'),
  );
});

const shape: ViewShape = { columns: 80, rows: 24, unicode: false, colour: false };

/** What a terminal shows after these bytes: enough of one for lines, "up" and "erase below". */
function screenAfter(bytes: string): string[] {
  let lines = [''];
  let row = 0;
  for (const [part] of bytes.matchAll(/\u001B\[(?:\d+A|J)|\r|\n|[^\u001B\r\n]+/g)) {
    if (part === '\n') lines[++row] ??= '';
    else if (part === '\r') continue;
    else if (part === '\u001B[J') lines = [...lines.slice(0, row), ''];
    else if (part.startsWith('\u001B')) row -= Number.parseInt(part.slice(2), 10);
    else lines[row] = part;
  }
  return lines;
}

test('showProgress() leaves a tidy screen on a terminal: layers, then what was said of all', async () => {
  const { output, text } = recorder();
  await showProgress(streamOf(pull, 20), { output, shape: () => shape });
  assert.match(text(), /111111111111 {2}Downloading +=+-+ +(?:500|900)kB\/1MB +(?:50|90)%\n/);
  assert.deepEqual(screenAfter(text()), [
    'latest: Pulling from library/a',
    '111111111111  Pull complete',
    '222222222222  Already exists',
    'Digest: sha256:00',
    'Status: Downloaded newer image for a:latest',
    '',
  ]);
});

test('showProgress() leaves what it drew when the stream fails', async () => {
  async function* failing(): AsyncGenerator<ProgressMessage> {
    yield* pull.slice(0, 4);
    throw new Error('the registry is gone');
  }
  const { output, text } = recorder();
  await assert.rejects(showProgress(failing(), { output, shape: () => shape }), /registry is gone/);
  assert.equal(screenAfter(text()).length, 4);
});

function layer(at: number, status: string, current?: number, total?: number): LayerProgress {
  return { id: `layer${at}`, status, current, total };
}

test('viewLayers() never draws wider or higher than the terminal', () => {
  const layers = Array.from({ length: 50 }, (_, at) =>
    at < 20 ? layer(at, 'Pull complete') : at < 25 ? layer(at, 'Downloading', at * 1e6, 50e6) : layer(at, 'Waiting'),
  );
  for (const [columns, rows] of [
    [20, 5],
    [40, 10],
    [80, 24],
    [200, 100],
  ] as const) {
    const lines = viewLayers(layers, { columns, rows, unicode: true, colour: false });
    assert(lines.length < rows - 1, `${lines.length} lines on ${rows} rows`);
    for (const line of lines) assert(textWidth(line) < columns, line);
  }
  const lines = viewLayers(layers, { ...shape, rows: 10 });
  assert.match(lines[0] ?? '', /^layer20 +Downloading +=+-+ +20MB\/50MB +40%$/);
  assert.equal(lines.at(-1), '  20 of 50 layers done, 23 more under way');
});

test('viewLayers() shows bytes without a bar where the whole is not known', () => {
  assert.deepEqual(viewLayers([layer(1, 'Downloading', 1500)], shape), [
    `layer1  ${'Downloading'.padEnd(18)}           1.5kB`,
  ]);
});

test('ProgressModel takes no more layers than a person could mean, and no byte counts that are none', () => {
  const model = new ProgressModel();
  for (let at = 0; at < 3000; at++) model.apply({ id: `l${at}`, status: 'Waiting' });
  assert.equal(model.layers.length, 1000);
  const { changed } = new ProgressModel().apply({
    id: 'a',
    status: 'Downloading',
    progressDetail: { current: Number.NaN, total: -5 },
  });
  assert.deepEqual(changed, { id: 'a', status: 'Downloading', current: undefined, total: undefined });
});

test('viewLayers() shows names of blobs with their kind in full', () => {
  const ids = ['manifest 0123456789ab', 'layer 0123456789ab'];
  const lines = viewLayers(
    ids.map((id) => ({ ...layer(1, 'Waiting'), id })),
    shape,
  );
  assert.deepEqual(
    lines.map((line) => line.indexOf('Waiting')),
    [23, 23],
  );
  ids.forEach((id, at) => assert((lines[at] ?? '').startsWith(`${id} `)));
});
