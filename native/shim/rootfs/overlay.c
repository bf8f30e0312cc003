#include "overlay.h"

#include <string.h>

/* The option's value; NULL without one. */
static char *find_lower(char *data) {
  for (char *option = data; option != NULL; option = strchr(option, ',')) {
    if (*option == ',') option++;
    if (strncmp(option, "lowerdir=", 9) == 0) return option + 9;
  }
  return NULL;
}

/* Where the value ends: at a comma that is not escaped. */
static char *end_of(char *value) {
  for (; *value != '\0' && *value != ','; value++)
    if (*value == '\\' && value[1] != '\0') value++;
  return value;
}

static size_t path_length(const char *path, const char *end) {
  const char *at = path;
  for (; at < end && *at != ':'; at++)
    if (*at == '\\' && at + 1 < end) at++;
  return (size_t)(at - path);
}

/* How long a beginning, up to and with a slash, all paths have in common; 0 for "/" alone. */
static size_t common_length(const char *value, const char *end) {
  size_t common = path_length(value, end);
  for (const char *path = value; path < end;) {
    size_t length = path_length(path, end), same = 0;
    while (same < common && same < length && path[same] == value[same]) same++;
    common = same;
    path += length + 1;
  }
  while (common > 0 && value[common - 1] != '/') common--;
  return common <= 1 ? 0 : common;
}

bool overlay_common(char *data, char *directory, size_t size) {
  char *value = find_lower(data);
  size_t common = value == NULL || *value != '/' ? 0 : common_length(value, end_of(value));
  if (common == 0 || common >= size || memchr(value, '\\', common) != NULL) return false;
  memcpy(directory, value, common);
  directory[common] = '\0';
  return true;
}

/* Puts `to` in place of the common beginning of each path. */
bool overlay_move(char *data, size_t *length, size_t room, const char *to) {
  char *value = find_lower(data);
  size_t common = value == NULL ? 0 : common_length(value, end_of(value));
  size_t size = strlen(to), count = 1;
  if (common == 0 || strpbrk(to, ":,\\") != NULL) return false;
  for (const char *at = value; at < end_of(value); at++) count += *at == ':' && at[-1] != '\\';
  if (*length + count * size >= room) return false;
  for (char *path = value; path < end_of(value);) {
    size_t whole = path_length(path, end_of(value));
    memmove(path + size, path + common, strlen(path + common) + 1);
    memcpy(path, to, size);
    path += whole - common + size + 1;
  }
  *length = strlen(data);
  return true;
}

bool overlay_shorten(char *data, size_t *length, char *directory, size_t size) {
  char *value = find_lower(data);
  if (!overlay_common(data, directory, size)) return false;
  char *end = end_of(value);
  size_t common = strlen(directory);
  char *to = value;
  for (const char *path = value; path < end;) {
    size_t whole = path_length(path, end);
    if (whole <= common) return false;
    if (path != value) *to++ = ':';
    memmove(to, path + common, whole - common);
    to += whole - common;
    path += whole + 1;
  }
  memmove(to, end, strlen(end) + 1);
  *length = strlen(data);
  return true;
}
