#include "rdma.h"

#include <string.h>

#include "counters.h"

static bool put_pair(char *pair, struct rdma_line *line) {
  char *value = strchr(pair, '=');
  if (value == NULL) return false;
  *value++ = '\0';
  uint64_t number = UINT32_MAX;
  if (strcmp(value, "max") != 0 && (!parse_number(value, &number) || number > UINT32_MAX)) return false;
  if (strcmp(pair, "hca_handle") == 0) line->handles = (uint32_t)number;
  if (strcmp(pair, "hca_object") == 0) line->objects = (uint32_t)number;
  return true;
}

bool rdma_parse(char *text, struct rdma_line *line) {
  char *rest = text;
  *line = (struct rdma_line){ .device = strsep(&rest, " ") };
  char *first = strsep(&rest, " "), *second = strsep(&rest, " ");
  if (first == NULL || second == NULL) return false;
  return put_pair(first, line) && put_pair(second, line);
}
