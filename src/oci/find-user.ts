import { EngineError } from '#/base/errors.ts';
import type { SpecUser } from '#/oci/runtime-spec.ts';

/** The texts of /etc/passwd and /etc/group of an image; '' when it has none. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

export interface FoundUser extends SpecUser {
  readonly additionalGids: readonly number[];
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const maxId = 2 ** 32 - 2;

function fieldsOf(text: string, least: number): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= least);
}

/** The number in an image's file: NaN for what is none, so that the line is passed over. */
const fileId = (text: string): number => (/^\d{1,10}$/.test(text) && Number(text) <= maxId ? Number(text) : Number.NaN);

const readPasswd = (text: string): PasswdEntry[] =>
  fieldsOf(text, 4)
    .map(([name = '', , uid = '', gid = '', , home = '']) => ({ name, uid: fileId(uid), gid: fileId(gid), home }))
    .filter(({ uid, gid }) => !Number.isNaN(uid + gid));

const readGroup = (text: string): GroupEntry[] =>
  fieldsOf(text, 3)
    .map(([name = '', , gid = '', members = '']) => ({ name, gid: fileId(gid), members: members.split(',') }))
    .filter(({ gid }) => !Number.isNaN(gid));

function numericId(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id <= maxId) return id;
  throw new EngineError('invalid-argument', `Cannot use user or group id ${text}: it is larger than ${maxId}`);
}

/**
 * Who a container runs as: `''`, `user`, `uid`, `user:group`, `uid:gid` (image-spec config.md, "User"). A name must be
 * in the image's files; a number need not. Groups that list the user are added unless a group was named.
 */
export function findUser(text: string, files: UserFiles, groupAdd: readonly string[] = []): FoundUser {
  const [userText = '', groupText] = text.split(':', 2);
  const passwd = readPasswd(files.passwd);
  const groups = readGroup(files.group);
  const user = findPasswd(userText, passwd, text);
  const gid = groupText === undefined || groupText === '' ? user.gid : findGroup(groupText, groups, text);
  const listed =
    groupText === undefined || groupText === ''
      ? groups.filter(({ members }) => user.name !== '' && members.includes(user.name))
      : [];
  const added = groupAdd.map((name) => findGroup(name, groups, name));
  const additional = new Set([...listed.map((group) => group.gid), ...added]);
  return { uid: user.uid, gid, additionalGids: [...additional], home: user.home };
}

function findPasswd(text: string, passwd: readonly PasswdEntry[], asked: string): PasswdEntry {
  const id = text === '' ? 0 : numericId(text);
  const entry = passwd.find(({ name, uid }) => (id === undefined ? name === text : uid === id));
  if (entry !== undefined) return entry;
  if (id === undefined)
    throw new EngineError(
      'invalid-argument',
      `Cannot run as user "${asked}": unable to find user ${text}: no matching entries in the image's passwd file`,
    );
  return { name: '', uid: id, gid: 0, home: '/' };
}

function findGroup(text: string, groups: readonly GroupEntry[], asked: string): number {
  const byName = groups.find(({ name }) => name === text);
  const gid = byName?.gid ?? numericId(text);
  if (gid !== undefined) return gid;
  throw new EngineError(
    'invalid-argument',
    `Cannot run as "${asked}": unable to find group ${text}: no matching entries in the image's group file`,
  );
}
