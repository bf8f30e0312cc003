import { EngineError } from '#/base/errors.ts';
import { atLeast } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE',
  about: 'Not there: berth makes no EROFS images',
  flags: {
    platform: text('', 'OS/ARCH', 'Not taken'),
    compressors: text('', 'LIST', 'Not taken'),
    'mkfs-options': text('', 'TEXT', 'Not taken'),
    dmverity: boolean('', 'Not taken'),
  },
  arity: atLeast(0),
  run: async () => {
    throw new EngineError('unimplemented', 'Cannot build an EROFS cache: berth makes no EROFS images; mkfs.erofs does');
  },
});
