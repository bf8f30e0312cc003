#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "list.h"
#include "metrics.h"
#include "text.h"

struct blkio_file {
  const char *name;
  size_t *count;
  V1(BlkIOEntry) ***entries;
};

/* "   8        0  488386584 sda": the entries of that device are named. The first name counts. */
static int name_device(const struct reading *reading, char *line, struct list *entries) {
  char *fields[5], *path = NULL;
  uint64_t major, minor;
  if (text_split(line, " ", fields, 5) != 4 || !parse_number(fields[0], &major) || !parse_number(fields[1], &minor))
    return 0;
  for (size_t i = 0; i < entries->count; i++) {
    V1(BlkIOEntry) *entry = entries->items[i];
    if (entry->major != major || entry->minor != minor || entry->device[0] != '\0') continue;
    char whole[80];
    snprintf(whole, sizeof whole, "/dev/%s", fields[3]);
    if (path == NULL && (path = copy_string(reading->memory, whole)) == NULL) return -ENOMEM;
    entry->device = path;
  }
  return 0;
}

static int name_devices(const struct reading *reading, struct list *entries) {
  if (entries->count == 0) return 0;
  struct text text;
  int error = text_open(&text, AT_FDCWD, "/proc/partitions");
  if (error < 0) return error;
  char *line;
  while (error == 0 && (line = text_next(&text, "\n")) != NULL) error = name_device(reading, line, entries);
  int failed = text_close(&text);
  return error < 0 ? error : failed;
}

/* "8:0 Read 4096", "8:0 12" or "Total 4096", which is left out. */
static int add_entry(const struct reading *reading, char *line, struct list *entries) {
  char *fields[5];
  size_t count = text_split(line, " :", fields, COUNT_OF(fields));
  if (count == 2 && strcmp(fields[0], "Total") == 0) return 0;
  uint64_t major, minor, value;
  if (count < 3 || count > 4 || !parse_number(fields[0], &major) || !parse_number(fields[1], &minor) ||
      !parse_number(fields[count - 1], &value))
    return -EBADMSG;
  V1(BlkIOEntry) *entry = list_add(entries, &io__containerd__cgroups__v1__blk_ioentry__descriptor);
  if (entry == NULL || (count == 4 && (entry->op = copy_string(reading->memory, fields[2])) == NULL)) return -ENOMEM;
  entry->major = major;
  entry->minor = minor;
  entry->value = value;
  return 0;
}

static int read_file(const struct reading *reading, const struct blkio_file *file) {
  struct text text;
  int error = text_open(&text, reading->directories[CGROUP_BLKIO], file->name);
  if (error < 0) return error;
  struct list entries = { .memory = reading->memory };
  char *line;
  while (error == 0 && (line = text_next(&text, "\n")) != NULL)
    if (*line != '\0') error = add_entry(reading, line, &entries);
  int failed = text_close(&text);
  if (error == 0) error = failed < 0 ? failed : name_devices(reading, &entries);
  *file->entries = (V1(BlkIOEntry) **)entries.items;
  *file->count = entries.count;
  return error;
}

/* False with the failure filled; how many entries there are in *total. */
static bool read_files(const struct reading *reading, const struct blkio_file *files, size_t count, size_t *total) {
  *total = 0;
  for (size_t i = 0; i < count; i++) {
    if (!reading_went(reading, files[i].name, read_file(reading, &files[i]))) return false;
    *total += *files[i].count;
  }
  return true;
}

/* The files of the CFQ scheduler where a kernel has them and they say something; otherwise those of throttling. */
bool v1_read_blkio(const struct reading *reading, struct v1_metrics *into) {
  if (reading->directories[CGROUP_BLKIO] < 0) return true;
  V1(BlkIOStat) *stat = into->metrics.blkio = &into->blkio;
#define FILE_OF(name, field) { name, &stat->n_##field, &stat->field }
  const struct blkio_file scheduler[] = {
    FILE_OF("blkio.sectors_recursive", sectors_recursive),
    FILE_OF("blkio.io_service_bytes_recursive", io_service_bytes_recursive),
    FILE_OF("blkio.io_serviced_recursive", io_serviced_recursive),
    FILE_OF("blkio.io_queued_recursive", io_queued_recursive),
    FILE_OF("blkio.io_service_time_recursive", io_service_time_recursive),
    FILE_OF("blkio.io_wait_time_recursive", io_wait_time_recursive),
    FILE_OF("blkio.io_merged_recursive", io_merged_recursive),
    FILE_OF("blkio.time_recursive", io_time_recursive),
  };
  const struct blkio_file throttle[] = {
    FILE_OF("blkio.throttle.io_serviced", io_serviced_recursive),
    FILE_OF("blkio.throttle.io_service_bytes", io_service_bytes_recursive),
  };
#undef FILE_OF
  size_t total;
  if (!read_files(reading, scheduler, COUNT_OF(scheduler), &total)) return false;
  return total > 0 || read_files(reading, throttle, COUNT_OF(throttle), &total);
}
