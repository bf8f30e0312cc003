/** What carries this label is kept though nothing refers to it: for things that a person made by hand. */
export const rootLabel = 'containerd.io/gc.root';

/** When, as the label's value. */
export const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');
