#include "json.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_plain(unsigned char byte) { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

/* Eight bytes at once: whether a byte of the word is zero; whether all of them are plain. */
#define EACH(byte) (0x0101010101010101u * (byte))

static bool has_zero(uint64_t word) { return ((word - EACH(1)) & ~word & EACH(0x80)) != 0; }

static bool are_plain(const unsigned char *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  if ((word & EACH(0x80)) != 0 || has_zero(word ^ EACH('"')) || has_zero(word ^ EACH('\\'))) return false;
  /* With its top bit set no byte borrows from its neighbour; it keeps that bit where it was at least a space. */
  return (((word | EACH(0x80)) - EACH(0x20)) & EACH(0x80)) == EACH(0x80);
}

/* Bytes at the start that stand for themselves. */
static size_t plain_run(const unsigned char *bytes, size_t length) {
  size_t run = 0;
  while (run + sizeof(uint64_t) <= length && are_plain(bytes + run)) run += sizeof(uint64_t);
  while (run < length && is_plain(bytes[run])) run++;
  return run;
}

/* Bytes that a lead byte announces, itself included; 0 for a byte that cannot lead. */
static size_t announced(unsigned char lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return lead < 0x80 ? 1 : 0;
}

/* RFC 3629: the second byte also excludes overlong forms, surrogates and what lies beyond U+10FFFF. */
static bool second_fits(unsigned char lead, unsigned char second) {
  if (lead == 0xe0) return second >= 0xa0 && second <= 0xbf;
  if (lead == 0xed) return second >= 0x80 && second <= 0x9f;
  if (lead == 0xf0) return second >= 0x90 && second <= 0xbf;
  if (lead == 0xf4) return second >= 0x80 && second <= 0x8f;
  return second >= 0x80 && second <= 0xbf;
}

/* Bytes of the valid multi-byte sequence at the start; 0 when there is none. */
static size_t sequence(const unsigned char *bytes, size_t length) {
  size_t size = announced(bytes[0]);
  if (size < 2 || size > length || !second_fits(bytes[0], bytes[1])) return 0;
  for (size_t i = 2; i < size; i++)
    if ((bytes[i] & 0xc0) != 0x80) return 0;
  return size;
}

static size_t escape_ascii(char *to, unsigned char byte) {
  static const char hex[] = "0123456789abcdef";
  const char *name = byte == '"' ? "\\\"" : byte == '\\' ? "\\\\" : byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : "\\t";
  if (byte == '"' || byte == '\\' || byte == '\n' || byte == '\r' || byte == '\t') {
    memcpy(to, name, 2);
    return 2;
  }
  memcpy(to, "\\u00", 4);
  to[4] = hex[byte >> 4];
  to[5] = hex[byte & 15];
  return 6;
}

/* U+2028 and U+2029 end a line for JavaScript, so they are escaped although JSON allows them. */
static bool is_line_separator(const unsigned char *bytes, size_t size) {
  return size == 3 && bytes[0] == 0xe2 && bytes[1] == 0x80 && (bytes[2] == 0xa8 || bytes[2] == 0xa9);
}

size_t json_escape(char *to, const unsigned char *from, size_t length) {
  char *out = to;
  for (size_t i = 0; i < length;) {
    size_t run = plain_run(from + i, length - i);
    memcpy(out, from + i, run);
    out += run;
    i += run;
    if (i == length) break;
    if (from[i] < 0x80) {
      out += escape_ascii(out, from[i++]);
      continue;
    }
    size_t size = sequence(from + i, length - i);
    if (size == 0) {
      memcpy(out, "\xef\xbf\xbd", 3);
      out += 3;
      i++;
    } else if (is_line_separator(from + i, size)) {
      memcpy(out, from[i + 2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
      out += 6;
      i += size;
    } else {
      memcpy(out, from + i, size);
      out += size;
      i += size;
    }
  }
  return (size_t)(out - to);
}

size_t utf8_cut_tail(const unsigned char *bytes, size_t length) {
  for (size_t back = 1; back <= 3 && back <= length; back++) {
    unsigned char byte = bytes[length - back];
    if ((byte & 0xc0) == 0x80) continue;
    if (announced(byte) <= back) return 0;
    return back > 1 && !second_fits(byte, bytes[length - back + 1]) ? 0 : back;
  }
  return 0;
}
