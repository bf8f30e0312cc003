#include <string.h>

#include "shim/rpc/wire.h"

/* The length of the character at `text`, or 0: overlong forms, surrogates and what is past U+10FFFF are none. */
static size_t character(const uint8_t *text, size_t size) {
  uint8_t first = text[0];
  if (first < 0x80) return 1;
  size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length == 0 || length > size) return 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  uint8_t second = text[1];
  bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  bool beyond = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
  return overlong || beyond ? 0 : length;
}

bool utf8_is_valid(const uint8_t *text, size_t size) {
  while (size > 0) {
    size_t length = character(text, size);
    if (length == 0) return false;
    text += length;
    size -= length;
  }
  return true;
}

void utf8_mend(char *text) {
  size_t left = strlen(text);
  while (left > 0) {
    size_t length = character((const uint8_t *)text, left);
    if (length == 0) {
      *text = '?';
      length = 1;
    }
    text += length;
    left -= length;
  }
}
