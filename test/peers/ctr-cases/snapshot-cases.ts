import type { CtrCase } from './contract.ts';

const imported = 'ctr images import $local $layers >/dev/null';
const chain = 'parent=$(ctr images ls >/dev/null; ctr snapshots tree | sed -n "\\$p" | tr -d " \\\\\\\\_")';

/** What led to a collection is collected now: none is due between the steps that follow, which hold nothing. */
const settled = 'ctr leases create --id settled >/dev/null; ctr leases rm --sync settled >/dev/null';

export const snapshotCases: readonly CtrCase[] = [
  {
    command: 'snapshots list',
    does: 'lists keys, parents and kinds',
    steps: [
      imported,
      'ctr snapshots ls',
      'ctr snapshots --snapshotter native ls',
      { run: 'ctr snapshots --snapshotter none ls', code: 1 },
    ],
  },
  {
    command: 'snapshots tree',
    does: 'draws who stands on whom',
    steps: [imported, 'ctr snapshots tree', 'ctr snapshots prepare side', 'ctr snapshots tree'],
  },
  {
    command: 'snapshots prepare',
    does: 'makes a writable snapshot, and refuses one that is taken or stands on nothing',
    steps: [
      imported,
      `${chain}; ctr snapshots prepare work $parent; ctr snapshots prepare --target /mnt work2 $parent`,
      'ctr snapshots prepare empty',
      { run: 'ctr snapshots prepare empty', code: 1 },
      { run: 'ctr snapshots prepare other none', code: 1 },
      { run: 'ctr snapshots prepare other empty', code: 1 },
      'ctr snapshots ls',
      'ctr leases ls -q | wc -l',
    ],
  },
  {
    command: 'snapshots view',
    does: 'makes a snapshot to read',
    steps: [
      imported,
      settled,
      `${chain}; ctr snapshots view --target /mnt look $parent`,
      'ctr snapshots ls',
      'mkdir m; sh -c "$(ctr snapshots mounts m look)" && ls m/srv; umount m',
      { run: 'ctr snapshots view other none', code: 1 },
    ],
  },
  {
    command: 'snapshots prepare',
    does: 'prints mounts as JSON',
    since: '2.x',
    steps: ['ctr snapshots prepare --mounts work', 'ctr snapshots view --mounts look'],
  },
  {
    command: 'snapshots commit',
    does: 'makes what was written the base of others',
    steps: [
      settled,
      'ctr snapshots prepare work; mkdir m; sh -c "$(ctr snapshots mounts m work)"; echo written > m/file; umount m',
      'ctr snapshots commit base work',
      { run: 'ctr snapshots commit other work', code: 1 },
      'ctr snapshots view look base; sh -c "$(ctr snapshots mounts m look)"; cat m/file; umount m',
      'ctr snapshots prepare next; ctr snapshots ls',
      { run: 'ctr snapshots commit base next', code: 1 },
      { run: 'ctr snapshots commit more base', code: 1 },
      { run: 'ctr snapshots commit more look', code: 1 },
    ],
  },
  {
    command: 'snapshots info',
    does: 'tells of one snapshot',
    steps: [
      imported,
      'ctr snapshots prepare work; ctr snapshots info work',
      { run: 'ctr snapshots info none', code: 1 },
    ],
  },
  {
    command: 'snapshots mounts',
    does: 'tells how to mount',
    steps: [
      imported,
      `${chain}; ctr snapshots prepare work $parent; ctr snapshots mounts /mnt work`,
      'ctr snapshots prepare empty; ctr snapshots mounts /mnt empty',
      { run: 'ctr snapshots mounts /mnt none', code: 1 },
      `${chain}; ctr snapshots mounts /mnt $parent`,
    ],
  },
  {
    command: 'snapshots delete',
    does: 'removes what nothing stands on',
    steps: [
      'ctr snapshots prepare work; ctr snapshots commit base work; ctr snapshots prepare next base',
      { run: 'ctr snapshots rm base', code: 1 },
      'ctr snapshots rm next base',
      { run: 'ctr snapshots rm none', code: 1 },
      'ctr snapshots ls',
    ],
  },
  {
    command: 'snapshots label',
    does: 'sets and clears labels',
    steps: [
      'ctr snapshots prepare work',
      'ctr snapshots label work a=1 b=2',
      'ctr snapshots label work a=',
      'ctr snapshots info work',
      { run: 'ctr snapshots label none a=b', code: 1 },
    ],
  },
  {
    command: 'snapshots usage',
    does: 'counts sizes and inodes',
    steps: [
      'ctr snapshots prepare work; mkdir m; sh -c "$(ctr snapshots mounts m work)"; head -c 100000 /dev/zero > m/file; umount m',
      'ctr snapshots commit base work; ctr snapshots prepare next base',
      'ctr snapshots usage -b',
      'ctr snapshots usage base',
      { run: 'ctr snapshots usage none', code: 1 },
    ],
  },
  {
    command: 'snapshots diff',
    does: 'makes a layer of what changed',
    differs: [
      {
        daemon: '1.6',
        why: 'a whiteout has no time of its own: the same change makes the same layer',
        pattern: /^.*\.wh\..*$/gm,
      },
    ],
    steps: [
      imported,
      `${chain}; ctr snapshots prepare work $parent; mkdir m; sh -c "$(ctr snapshots mounts m work)"; echo new > m/srv/file; rm m/srv/kept; umount m`,
      'ctr snapshots diff --media-type application/vnd.oci.image.layer.v1.tar work > layer.tar; tar tvf layer.tar',
      `${chain}; ctr snapshots diff $parent work | gunzip | tar t`,
      'ctr content ls -q labels.a==b',
      'ctr snapshots diff --keep --label a=b work >/dev/null; ctr content ls -q labels.a==b | wc -l',
      { run: 'ctr snapshots diff --media-type text/plain work', code: 1 },
      { run: 'ctr snapshots diff none', code: 1 },
    ],
  },
  {
    command: 'snapshots unpack',
    does: 'unpacks the layers of a manifest',
    steps: [
      'ctr images import $local --no-unpack $layers >/dev/null',
      'ctr snapshots unpack $(ctr images ls | grep -o "sha256:[0-9a-f]*")',
      'ctr snapshots ls',
      { run: 'ctr snapshots unpack sha256:0000000000000000000000000000000000000000000000000000000000000000', code: 1 },
    ],
  },
];
