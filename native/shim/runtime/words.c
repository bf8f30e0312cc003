#include "words.h"

#include <stdarg.h>
#include <stdio.h>

void words_begin(struct words *words) {
  words->count = words->used = 0;
  words->too_long = false;
  words->list[0] = NULL;
}

void words_add(struct words *words, const char *word) {
  if (words->count == WORDS_MOST) {
    words->too_long = true;
    return;
  }
  words->list[words->count++] = word;
  words->list[words->count] = NULL;
}

void words_pair(struct words *words, const char *flag, const char *value) {
  words_add(words, flag);
  words_add(words, value);
}

void words_format(struct words *words, const char *format, ...) {
  size_t left = sizeof words->room - words->used;
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(words->room + words->used, left, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= left) {
    words->too_long = true;
    return;
  }
  words_add(words, words->room + words->used);
  words->used += (size_t)length + 1;
}
