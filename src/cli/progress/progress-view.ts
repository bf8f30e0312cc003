import { isFinished, type LayerProgress } from '#/cli/progress/progress-model.ts';
import { humanSize } from '#/cli/render/human-units.ts';
import { cutToWidth, textWidth, visible } from '#/cli/render/text-width.ts';

export interface ViewShape {
  readonly columns: number;
  readonly rows: number;
  /** Box characters instead of ASCII. */
  readonly unicode: boolean;
  readonly colour: boolean;
}

/** As wide as "Verifying Checksum": bars should not move when a status changes. */
const usualStatus = 18;
/** As wide as "manifest 0123456789ab". */
const widestId = 21;
const widestBar = 40;
const narrowestBar = 8;

/** The lines to show now, none wider than the terminal and no more than fit: what is under way comes first. */
export function viewLayers(layers: readonly LayerProgress[], shape: ViewShape): string[] {
  const room = Math.max(1, shape.rows - 2);
  if (layers.length <= room) return layers.map((layer) => viewLayer(layer, layers, shape));
  const active = layers.filter((layer) => layer.current !== undefined && !isFinished(layer));
  const waiting = layers.filter((layer) => layer.current === undefined && !isFinished(layer));
  const done = layers.length - active.length - waiting.length;
  const shown = [...active, ...waiting].slice(0, room - 1);
  const rest = layers.length - done - shown.length;
  const summary = `  ${done} of ${layers.length} layers done${rest > 0 ? `, ${rest} more under way` : ''}`;
  return [...shown.map((layer) => viewLayer(layer, layers, shape)), cutToWidth(summary, shape.columns - 1)];
}

/** One layer: its id, what happens, and a bar where bytes are counted. */
export function viewLayer(layer: LayerProgress, all: readonly LayerProgress[], shape: ViewShape): string {
  const idWidth = Math.min(widestId, Math.max(...all.map(({ id }) => textWidth(visible(id)))));
  const statusWidth = Math.min(20, Math.max(usualStatus, ...all.map(({ status }) => textWidth(visible(status)))));
  const left = `${padTo(visible(layer.id), idWidth)}  ${padTo(visible(layer.status), statusWidth)}`;
  const plain = cutToWidth(left.trimEnd(), shape.columns - 1);
  const { current, total } = layer;
  if (current === undefined || isFinished(layer)) return plain;
  const right = total === undefined ? humanSize(current) : `${humanSize(current)}/${humanSize(total)}`;
  const percent =
    total === undefined ? '' : ` ${String(Math.min(100, Math.floor((current / total) * 100))).padStart(3)}%`;
  const counts = `${right.padStart(15)}${percent}`;
  const room = Math.min(widestBar, shape.columns - 1 - textWidth(left) - counts.length - 3);
  if (total === undefined || room < narrowestBar) return cutToWidth(`${left} ${counts}`, shape.columns - 1);
  return `${left}  ${bar(Math.min(1, current / total), room, shape)} ${counts}`;
}

function padTo(text: string, width: number): string {
  const cut = cutToWidth(text, width);
  return cut + ' '.repeat(width - textWidth(cut));
}

function bar(share: number, width: number, { unicode, colour }: ViewShape): string {
  const filled = Math.round(share * width);
  const full = (unicode ? '━' : '=').repeat(filled);
  const empty = (unicode ? '─' : '-').repeat(width - filled);
  return colour ? `\u001B[36m${full}\u001B[2m${empty}\u001B[0m` : full + empty;
}
