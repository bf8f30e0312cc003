#include "options.h"

#include <string.h>
#include <sys/mount.h>

struct flag {
  const char *name;
  unsigned long flag;
  bool clears;
};

static const struct flag flags[] = {
  { "async", MS_SYNCHRONOUS, true },   { "atime", MS_NOATIME, true },
  { "bind", MS_BIND, false },          { "defaults", 0, false },
  { "dev", MS_NODEV, true },           { "diratime", MS_NODIRATIME, true },
  { "dirsync", MS_DIRSYNC, false },    { "exec", MS_NOEXEC, true },
  { "mand", MS_MANDLOCK, false },      { "noatime", MS_NOATIME, false },
  { "nodev", MS_NODEV, false },        { "nodiratime", MS_NODIRATIME, false },
  { "noexec", MS_NOEXEC, false },      { "nomand", MS_MANDLOCK, true },
  { "norelatime", MS_RELATIME, true }, { "nostrictatime", MS_STRICTATIME, true },
  { "nosuid", MS_NOSUID, false },      { "rbind", MS_BIND | MS_REC, false },
  { "relatime", MS_RELATIME, false },  { "remount", MS_REMOUNT, false },
  { "ro", MS_RDONLY, false },          { "rw", MS_RDONLY, true },
  { "strictatime", MS_STRICTATIME, false }, { "suid", MS_NOSUID, true },
  { "sync", MS_SYNCHRONOUS, false },
};

static const struct flag propagations[] = {
  { "shared", MS_SHARED, false },      { "rshared", MS_SHARED | MS_REC, false },
  { "private", MS_PRIVATE, false },    { "rprivate", MS_PRIVATE | MS_REC, false },
  { "slave", MS_SLAVE, false },        { "rslave", MS_SLAVE | MS_REC, false },
  { "unbindable", MS_UNBINDABLE, false }, { "runbindable", MS_UNBINDABLE | MS_REC, false },
};

static const struct flag *find(const struct flag *table, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

static bool add_data(struct mount_options *options, const char *option) {
  size_t length = strlen(option), comma = options->length > 0;
  if (options->length + comma + length >= sizeof options->data) return false;
  if (comma) options->data[options->length++] = ',';
  memcpy(options->data + options->length, option, length + 1);
  options->length += length;
  return true;
}

static bool is_consumed(struct mount_options *options, const char *option) {
  const struct flag *flag = find(flags, sizeof flags / sizeof *flags, option);
  const struct flag *propagation = find(propagations, sizeof propagations / sizeof *propagations, option);
  if (flag != NULL && flag->clears) options->flags &= ~flag->flag;
  else if (flag != NULL) options->flags |= flag->flag;
  else if (propagation != NULL) options->propagation = propagation->flag;
  else if (strcmp(option, "loop") == 0) options->loop = true;
  else if (strcmp(option, "direct-io") == 0) options->direct_io = true;
  else if (strncmp(option, "uidmap=", 7) == 0) options->uidmap = option + 7;
  else if (strncmp(option, "gidmap=", 7) == 0) options->gidmap = option + 7;
  else return false;
  return true;
}

bool mount_options_read(struct mount_options *options, char *const *list, size_t count, struct failure *failure) {
  options->flags = options->propagation = options->length = 0;
  options->loop = options->direct_io = false;
  options->uidmap = options->gidmap = NULL;
  options->data[0] = '\0';
  for (size_t i = 0; i < count; i++) {
    if (strncmp(list[i], "X-containerd.", 13) == 0)
      return fail(failure, INVALID_ARGUMENT, "internal mount option \"%s\" was not consumed by the mount manager", list[i]);
    if (!is_consumed(options, list[i]) && !add_data(options, list[i]))
      return fail(failure, INVALID_ARGUMENT, "mount options are longer than %d bytes", MOUNT_DATA_SIZE);
  }
  return true;
}
