#include <string.h>

#include "counters.h"
#include "list.h"
#include "metrics.h"
#include "rdma.h"
#include "text.h"

/* "8:0 rbytes=90112 wbytes=0 rios=7 wios=0 dbytes=0 dios=0"; kernels that have a device but no use of it say "8:0 ". */
static int add_device(char *line, struct list *list) {
  if (strchr(line, ' ') == NULL) return 0;
  char *fields[24];
  size_t count = text_split(line, " ", fields, COUNT_OF(fields));
  char *minor = count == 0 ? NULL : strchr(fields[0], ':');
  uint64_t numbers[2];
  if (minor == NULL) return 0;
  *minor++ = '\0';
  if (!parse_number(fields[0], &numbers[0]) || !parse_number(minor, &numbers[1])) return 0;
  V2(IOEntry) *entry = list_add(list, &io__containerd__cgroups__v2__ioentry__descriptor);
  if (entry == NULL) return -ENOMEM;
  entry->major = numbers[0];
  entry->minor = numbers[1];
  for (size_t i = 1; i < count; i++) {
    char *value = strchr(fields[i], '=');
    uint64_t number;
    if (value == NULL) continue;
    *value++ = '\0';
    if (!parse_number(value, &number)) continue;
    if (strcmp(fields[i], "rbytes") == 0) entry->rbytes = number;
    if (strcmp(fields[i], "wbytes") == 0) entry->wbytes = number;
    if (strcmp(fields[i], "rios") == 0) entry->rios = number;
    if (strcmp(fields[i], "wios") == 0) entry->wios = number;
  }
  return 0;
}

static int add_rdma(char *line, struct list *list) {
  struct rdma_line use;
  if (!rdma_parse(line, &use)) return 0;
  V2(RdmaEntry) *entry = list_add(list, &io__containerd__cgroups__v2__rdma_entry__descriptor);
  if (entry == NULL || (entry->device = copy_string(list->memory, use.device)) == NULL) return -ENOMEM;
  entry->hca_handles = use.handles;
  entry->hca_objects = use.objects;
  return 0;
}

static bool read_list(const struct reading *reading, const char *file, int (*add)(char *, struct list *),
                      struct list *list) {
  struct text text;
  list->memory = reading->memory;
  int error = text_open(&text, reading->directories[CGROUP_UNIFIED], file);
  if (error < 0) return reading_went(reading, file, error);
  char *line;
  while (error == 0 && (line = text_next(&text, "\n")) != NULL) error = add(line, list);
  int failed = text_close(&text);
  return reading_went(reading, file, error < 0 ? error : failed);
}

/* "12.34" exactly as the nearest double; 0 where it is no such number. */
static double parse_average(const char *text) {
  double number = 0, scale = 1;
  bool is_fraction = false;
  for (; *text != '\0' && scale < 1e6; text++) {
    if (*text == '.') is_fraction = true;
    if (*text < '0' || *text > '9') continue;
    number = number * 10 + (*text - '0');
    if (is_fraction) scale *= 10;
  }
  return number / scale;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" */
static void put_pressure(char *line, struct v2_pressure *into) {
  char *fields[6];
  size_t count = text_split(line, " ", fields, COUNT_OF(fields));
  bool is_some = count > 0 && strcmp(fields[0], "some") == 0;
  if (!is_some && (count == 0 || strcmp(fields[0], "full") != 0)) return;
  V2(PSIData) *data = is_some ? &into->some : &into->full;
  io__containerd__cgroups__v2__psidata__init(data);
  *(is_some ? &into->stats.some : &into->stats.full) = data;
  for (size_t i = 1; i < count; i++) {
    char *value = strchr(fields[i], '=');
    if (value == NULL) continue;
    *value++ = '\0';
    if (strcmp(fields[i], "avg10") == 0) data->avg10 = parse_average(value);
    if (strcmp(fields[i], "avg60") == 0) data->avg60 = parse_average(value);
    if (strcmp(fields[i], "avg300") == 0) data->avg300 = parse_average(value);
    if (strcmp(fields[i], "total") == 0) (void)parse_number(value, &data->total);
  }
}

V2(PSIStats) *v2_read_pressure(const struct reading *reading, const char *file, struct v2_pressure *into) {
  struct text text;
  if (text_open(&text, reading->directories[CGROUP_UNIFIED], file) < 0) return NULL;
  io__containerd__cgroups__v2__psistats__init(&into->stats);
  char *line;
  while ((line = text_next(&text, "\n")) != NULL) put_pressure(line, into);
  return text_close(&text) < 0 ? NULL : &into->stats; /* EOPNOTSUPP: pressure is not measured */
}

bool v2_read_io(const struct reading *reading, struct v2_metrics *into) {
  struct list devices = { 0 }, current = { 0 }, limit = { 0 };
  if (!read_list(reading, "io.stat", add_device, &devices) || !read_list(reading, "rdma.current", add_rdma, &current) ||
      !read_list(reading, "rdma.max", add_rdma, &limit))
    return false;
  into->metrics.io = &into->io;
  into->io.usage = (V2(IOEntry) **)devices.items;
  into->io.n_usage = devices.count;
  into->io.psi = v2_read_pressure(reading, "io.pressure", &into->io_pressure);
  into->metrics.rdma = &into->rdma;
  into->rdma.current = (V2(RdmaEntry) **)current.items;
  into->rdma.n_current = current.count;
  into->rdma.limit = (V2(RdmaEntry) **)limit.items;
  into->rdma.n_limit = limit.count;
  return true;
}
