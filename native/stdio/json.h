#ifndef BERTH_STDIO_JSON_H
#define BERTH_STDIO_JSON_H

#include <stddef.h>

/* The most that one byte can become. */
enum { JSON_EXPANSION = 6 };

/*
 * Writes bytes as the inside of a JSON string and returns the length. What is not UTF-8 becomes U+FFFD, one per byte.
 * `to` has room for JSON_EXPANSION times `length`.
 */
size_t json_escape(char *to, const unsigned char *from, size_t length);

/* How many bytes at the end begin a UTF-8 sequence that is cut off: 0 to 3. */
size_t utf8_cut_tail(const unsigned char *bytes, size_t length);

#endif
