#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int text_open(struct text *text, int directory, const char *name) {
  text->fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (text->fd < 0) return -errno;
  text->error = 0;
  text->skips = text->ended = false;
  text->at = text->end = text->total = 0;
  return 0;
}

/* Reads on behind what is left, which moves to the front. */
static bool refill(struct text *text) {
  if (text->ended) return false;
  memmove(text->bytes, text->bytes + text->at, text->end - text->at);
  text->end -= text->at;
  text->at = 0;
  if (text->end == sizeof text->bytes) {
    text->skips = true;
    text->end = 0;
  }
  ssize_t got;
  do got = read(text->fd, text->bytes + text->end, sizeof text->bytes - text->end);
  while (got < 0 && errno == EINTR);
  if (got < 0) text->error = -errno;
  text->ended = got <= 0;
  if (got <= 0) return false;
  text->end += (size_t)got;
  text->total += (size_t)got;
  if (text->total > TEXT_LIMIT) text->error = -EFBIG;
  return text->error == 0;
}

char *text_next(struct text *text, const char *separators) {
  size_t looked = 0;
  for (;;) {
    for (size_t i = text->at + looked; i < text->end; i++) {
      if (text->bytes[i] == '\0' || strchr(separators, text->bytes[i]) == NULL) continue;
      char *piece = text->bytes + text->at;
      text->bytes[i] = '\0';
      text->at = i + 1;
      if (!text->skips) return piece;
      text->skips = false;
    }
    looked = text->end - text->at;
    if (!refill(text)) break;
    if (text->skips) looked = 0;
  }
  if (text->error < 0 || text->at == text->end || text->skips || text->end == sizeof text->bytes) return NULL;
  char *piece = text->bytes + text->at;
  text->bytes[text->end] = '\0';
  text->at = text->end;
  return piece;
}

int text_close(struct text *text) {
  close(text->fd);
  return text->error;
}

size_t text_split(char *piece, const char *separators, char **fields, size_t room) {
  size_t count = 0;
  for (char *field; count < room && (field = strsep(&piece, separators)) != NULL;)
    if (*field != '\0') fields[count++] = field;
  return count;
}
