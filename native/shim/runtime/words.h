#ifndef BERTH_SHIM_WORDS_H
#define BERTH_SHIM_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { WORDS_MOST = 96, WORDS_ROOM = 24 * 1024 };

/* A command line in the making. What does not fit marks it, and it is not run. */
struct words {
  size_t count, used;
  bool too_long;
  const char *list[WORDS_MOST + 1]; /* NULL-ended */
  char room[WORDS_ROOM];
};

void words_begin(struct words *words);

/* A word that outlives the command line. */
void words_add(struct words *words, const char *word);
void words_pair(struct words *words, const char *flag, const char *value);

/* A word that is put together. */
__attribute__((format(printf, 2, 3))) void words_format(struct words *words, const char *format, ...);

#endif
