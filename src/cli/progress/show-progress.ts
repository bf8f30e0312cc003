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
  const bars = new Bars(output, shape);
  let late: NodeJS.Timeout | undefined;
  try {
    for await (const message of messages) {
      clearTimeout(late);
      const { line } = bars.model.apply(message);
      if (line !== undefined) bars.addLine(visible(line));
      else if (bars.isDue()) bars.draw();
      else late = setTimeout(() => bars.draw(), frameTime);
    }
  } finally {
    clearTimeout(late);
    bars.settle();
  }
}

const fallbackShape: ViewShape = { columns: 80, rows: 24, unicode: false, colour: false };

/** The lowest lines of the terminal, drawn over again and again. */
class Bars {
  readonly model: ProgressModel = new ProgressModel();
  readonly #output: Output;
  readonly #shape: ShowOptions['shape'];
  #drawn = 0;
  #drawnAt = 0;

  constructor(output: Output, shape: ShowOptions['shape']) {
    this.#output = output;
    this.#shape = shape;
  }

  isDue(): boolean {
    return performance.now() - this.#drawnAt >= frameTime;
  }

  draw(above = ''): void {
    const lines = viewLayers(this.model.layers, this.#shape() ?? fallbackShape);
    this.#output.text(`${this.#erase()}${above}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawn = lines.length;
    this.#drawnAt = performance.now();
  }

  /** A line that stays: under layers that are done, above those that are not. */
  addLine(line: string): void {
    if (this.model.isSettled) this.settle();
    this.draw(`${line}\n`);
  }

  /** Leaves every layer on the screen as it is now. */
  settle(): void {
    const shape = this.#shape() ?? fallbackShape;
    const { layers } = this.model;
    this.#output.text(this.#erase() + layers.map((layer) => `${viewLayer(layer, layers, shape)}\n`).join(''));
    this.#drawn = 0;
    this.model.forgetLayers();
  }

  #erase(): string {
    return this.#drawn === 0 ? '' : `\u001B[${this.#drawn}A\r\u001B[J`;
  }
}
