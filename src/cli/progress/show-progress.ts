import type { ProgressMessage } from '#/client/image-payloads.ts';
import type { Output } from '#/cli/output.ts';
import { ProgressModel } from '#/cli/progress/progress-model.ts';
import { viewLayer, viewLayers, type ViewShape } from '#/cli/progress/progress-view.ts';
import { visible } from '#/cli/render/text-width.ts';

export interface ShowOptions {
  readonly output: Output;
  /** The shape of the terminal that `output` is, asked before each drawing; undefined when it is none. */
  readonly shape: () => ViewShape | undefined;
}

/** Shows progress until the messages end: bars that are drawn over on a terminal, a line per change elsewhere. */
export async function showProgress(messages: AsyncIterable<ProgressMessage>, options: ShowOptions): Promise<void> {
  if (options.shape() === undefined) await showLines(messages, options.output);
  else await showBars(messages, options);
}

async function showLines(messages: AsyncIterable<ProgressMessage>, output: Output): Promise<void> {
  const model = new ProgressModel();
  for await (const message of messages) {
    const { line, changed } = model.apply(message);
    if (line !== undefined) output.line(visible(line));
    else if (changed !== undefined && !countsOnly.test(changed.status))
      output.line(visible(`${changed.id}: ${changed.status}`));
  }
}

/** Steps that matter only as long as one can watch their bytes. */
const countsOnly = /^(?:Downloading|Extracting|Pushing)$/;

const frameTime = 60;

async function showBars(messages: AsyncIterable<ProgressMessage>, { output, shape }: ShowOptions): Promise<void> {
  const model = new ProgressModel();
  let drawn = 0;
  let drawnAt = 0;
  const erase = (): string => (drawn === 0 ? '' : `\u001B[${drawn}A\r\u001B[J`);
  const draw = (before: string): void => {
    const now = shape() ?? { columns: 80, rows: 24, unicode: false, colour: false };
    const lines = viewLayers(model.layers, now);
    output.text(`${erase()}${before}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines.length;
    drawnAt = performance.now();
  };
  let late: NodeJS.Timeout | undefined;
  try {
    for await (const message of messages) {
      const { line } = model.apply(message);
      clearTimeout(late);
      if (line !== undefined) draw(`${visible(line)}\n`);
      else if (performance.now() - drawnAt >= frameTime) draw('');
      else late = setTimeout(() => draw(''), frameTime);
    }
  } finally {
    clearTimeout(late);
    const now = shape() ?? { columns: 80, rows: 24, unicode: false, colour: false };
    const whole = model.layers.map((layer) => `${viewLayer(layer, model.layers, now)}\n`);
    output.text(erase() + whole.join(''));
  }
}
