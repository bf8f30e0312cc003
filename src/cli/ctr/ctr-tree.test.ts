import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ctrGlobalFlags, withOuterFlags } from '#/cli/ctr/ctr-globals.ts';
import { ctrCommandHelp, ctrGroupHelp, ctrProgramHelp } from '#/cli/ctr/ctr-help.ts';
import { ctrTree, findChild, type CtrGroup, type CtrLeaf, type CtrNode } from '#/cli/ctr/ctr-tree.ts';
import type { FlagSpecs } from '#/cli/flags.ts';

const style = { colour: false, width: 80 };

interface Placed<Node> {
  readonly title: string;
  readonly node: Node;
  readonly outer: readonly FlagSpecs[];
}

function* walk(
  children: Readonly<Record<string, CtrNode>>,
  above: Omit<Placed<CtrNode>, 'node'>,
): Generator<Placed<CtrNode>> {
  for (const [name, node] of Object.entries(children)) {
    const title = `${above.title} ${name}`;
    yield { title, node, outer: above.outer };
    if (node.kind === 'group') yield* walk(node.children, { title, outer: [node.flags, ...above.outer] });
  }
}

const all = [...walk(ctrTree, { title: 'berth ctr', outer: [ctrGlobalFlags] })];
const isLeaf = (placed: Placed<CtrNode>): placed is Placed<CtrLeaf> => placed.node.kind === 'command';
const isGroup = (placed: Placed<CtrNode>): placed is Placed<CtrGroup> => placed.node.kind === 'group';

for (const { title, node, outer } of all.filter(isLeaf))
  test(`"${title}" has short flags of its own, a summary for each, and help that fits 80 columns`, async () => {
    const command = await node.load();
    const flags = withOuterFlags(command.flags, ...outer);
    const shorts = Object.values(flags).flatMap(({ short }) => short ?? []);
    assert.equal(new Set(shorts).size, shorts.length, `a short flag is there twice: ${shorts.join(' ')}`);
    for (const [flag, spec] of Object.entries(command.flags))
      assert(spec.about.length > 5 && !spec.about.endsWith('.'), flag);
    assert(command.usage.startsWith('[OPTIONS]'), 'its usage does not say [OPTIONS]');
    for (const line of ctrCommandHelp(title, command, outer, style).split('\n'))
      assert(line.length <= 80 || /^ *(?:Usage|berth )/.test(line), line);
  });

test('help of berth ctr and of each group names every command below it, with its other names', () => {
  for (const [name, { aliases }] of Object.entries(ctrTree))
    assert.match(ctrProgramHelp(style), new RegExp(`^  ${[name, ...aliases].join(', ')} `, 'm'));
  for (const { title, node } of all.filter(isGroup))
    for (const name of Object.keys(node.children))
      assert.match(ctrGroupHelp(title, node, style), new RegExp(`^  ${name}\\b`, 'm'));
});

test('no two commands of a group have a name in common', () => {
  for (const children of [ctrTree, ...all.filter(isGroup).map(({ node }) => node.children)]) {
    const names = Object.entries(children).flatMap(([name, node]) => [name, ...node.aliases]);
    assert.equal(new Set(names).size, names.length, names.join(' '));
  }
  assert.equal(findChild(ctrTree, 'ns')?.name, 'namespaces');
  assert.equal(findChild(ctrTree, 'toString'), undefined);
});
