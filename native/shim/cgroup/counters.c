#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

bool parse_number(const char *text, uint64_t *number) {
  bool is_negative = *text == '-';
  if (is_negative) text++;
  uint64_t sum = 0;
  if (*text == '\0') return false;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return false;
    if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, (uint64_t)(*text - '0'), &sum))
      return false;
  }
  *number = is_negative ? 0 : sum;
  return true;
}

int read_number(int directory, const char *name, uint64_t max, uint64_t *number) {
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -errno;
  char text[32];
  ssize_t got = read(fd, text, sizeof text - 1);
  int error = got < 0 ? -errno : 0;
  close(fd);
  if (error < 0) return error;
  text[got] = '\0';
  text[strcspn(text, "\n")] = '\0';
  if (strcmp(text, "max") == 0) {
    *number = max;
    return 0;
  }
  return parse_number(text, number) ? 0 : -EBADMSG;
}

int put_counter(char *line, const struct counter *table, size_t count, void *into) {
  char *value = strchr(line, ' ');
  if (value == NULL) return -EBADMSG;
  *value++ = '\0';
  for (size_t i = 0; i < count; i++) {
    if (strcmp(table[i].key, line) != 0) continue;
    uint64_t number;
    if (!parse_number(value, &number)) return -EBADMSG;
    memcpy((char *)into + table[i].at, &number, sizeof number);
    return 0;
  }
  return 0;
}

int read_counters(int directory, const char *name, const struct counter *table, size_t count, void *into) {
  struct text text;
  int error = text_open(&text, directory, name);
  if (error < 0) return error;
  char *line;
  while (error == 0 && (line = text_next(&text, "\n")) != NULL) error = put_counter(line, table, count, into);
  int failed = text_close(&text);
  return error < 0 ? error : failed;
}
