#include "flags.h"

#include <string.h>

static bool *find_switch(struct flags *flags, const char *name, size_t length) {
  const struct { const char *name; bool *place; } table[] = {
    { "debug", &flags->debug }, { "v", &flags->version }, { "version", &flags->version }, { "info", &flags->info },
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0) return table[i].place;
  return NULL;
}

static const char **find_value(struct flags *flags, const char *name, size_t length) {
  const struct { const char *name; const char **place; } table[] = {
    { "namespace", &flags->namespace },
    { "id", &flags->id },
    { "address", &flags->address },
    { "publish-binary", &flags->publish_binary },
    { "bundle", &flags->bundle },
    { "socket", &flags->socket },
    { "debug-socket", &flags->debug_socket },
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0) return table[i].place;
  return NULL;
}

static bool read_switch(bool *place, const char *value) {
  *place = *value == '\0' || strcmp(value, "=true") == 0 || strcmp(value, "=1") == 0;
  return *place || strcmp(value, "=false") == 0 || strcmp(value, "=0") == 0;
}

/* How many words it took; 0: it cannot be read. */
static int read_flag(struct flags *flags, int left, char **words, struct failure *failure) {
  const char *name = words[0] + (words[0][1] == '-' ? 2 : 1);
  size_t length = strcspn(name, "=");
  bool *place = find_switch(flags, name, length);
  const char **value = find_value(flags, name, length);
  if (place != NULL && read_switch(place, name + length)) return 1;
  if (value != NULL && name[length] == '=') return *value = name + length + 1, 1;
  if (value != NULL && left > 1) return *value = words[1], 2;
  if (place == NULL && value == NULL) fail(failure, INVALID_ARGUMENT, "flag provided but not defined: %s", words[0]);
  else fail(failure, INVALID_ARGUMENT, "flag needs a value: %s", words[0]);
  return 0;
}

bool flags_read(struct flags *flags, int count, char **words, struct failure *failure) {
  static char nothing[] = "";
  *flags = (struct flags){ .namespace = "", .id = "", .address = "", .publish_binary = "", .bundle = "", .socket = "",
                           .debug_socket = "", .action = nothing };
  int at = 1;
  while (at < count && words[at][0] == '-' && words[at][1] != '\0') {
    int taken = read_flag(flags, count - at, words + at, failure);
    if (taken == 0) return false;
    at += taken;
  }
  if (at < count) flags->action = words[at];
  return true;
}
