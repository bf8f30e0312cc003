#include "sizes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "hugepages-2048kB" */
static void add_size(struct page_sizes *sizes, const char *name) {
  if (strncmp(name, "hugepages-", 10) != 0 || sizes->count == 8) return;
  char *unit;
  unsigned long kilobytes = strtoul(name + 10, &unit, 10);
  if (strcmp(unit, "kB") != 0) return;
  unsigned step = kilobytes >= 1UL << 20 ? 2 : kilobytes >= 1UL << 10 ? 1 : 0;
  snprintf(sizes->names[sizes->count++], sizeof sizes->names[0], "%lu%cB", kilobytes >> 10 * step, "KMG"[step]);
}

void page_sizes_read(struct page_sizes *sizes) {
  sizes->count = 0;
  int fd = open("/sys/kernel/mm/hugepages", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  _Alignas(struct dirent64) char entries[1024];
  ssize_t got;
  while ((got = getdents64(fd, entries, sizeof entries)) > 0)
    for (ssize_t at = 0; at < got; at += ((struct dirent64 *)(entries + at))->d_reclen)
      add_size(sizes, ((struct dirent64 *)(entries + at))->d_name);
  close(fd);
}
