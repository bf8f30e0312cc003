/** Things and what they keep, by the names of garbage-labels.ts. */
export interface Graph {
  readonly edges: Map<string, string[]>;
  /** Kept even where labels are not followed. */
  readonly parents: Map<string, string>;
  /** Kept with all they refer to. */
  readonly roots: string[];
  /** Kept with their parents only. */
  readonly flatRoots: string[];
}

export const emptyGraph = (): Graph => ({ edges: new Map(), parents: new Map(), roots: [], flatRoots: [] });

export function addEdges(graph: Graph, from: string, to: readonly string[]): void {
  const known = graph.edges.get(from);
  if (known === undefined) graph.edges.set(from, [...to]);
  else known.push(...to);
}

/** All that the roots keep; names of things that do not exist may be among them. */
export function markReachable(graph: Graph): ReadonlySet<string> {
  const full = follow(graph.roots, (node) => {
    const parent = graph.parents.get(node);
    return [...(graph.edges.get(node) ?? []), ...(parent === undefined ? [] : [parent])];
  });
  const flat = follow(graph.flatRoots, (node) => {
    const parent = graph.parents.get(node);
    return parent === undefined ? [] : [parent];
  });
  return full.union(flat);
}

function follow(roots: readonly string[], next: (node: string) => readonly string[]): Set<string> {
  const seen = new Set(roots);
  // A set's iteration also visits what is added meanwhile.
  for (const node of seen) for (const found of next(node)) seen.add(found);
  return seen;
}
