#include "names.h"

#include <limits.h>
#include <string.h>

enum { NAME_MOST = 128, BUNDLE_MOST = PATH_MAX - 512 };

static bool is_letter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
}

bool name_check(const char *what, const char *id, struct failure *failure) {
  size_t length = strlen(id);
  bool good = length > 0 && length <= NAME_MOST && (is_letter(*id) || *id == '_');
  for (size_t i = 0; i < length && good; i++) good = is_letter(id[i]) || strchr("_.-+", id[i]) != NULL;
  return good || fail(failure, INVALID_ARGUMENT,
                      "Cannot name a %s \"%.256s\": at most %d letters, digits, and \"_.-+\" after the first", what, id, NAME_MOST);
}

bool bundle_check(const char *bundle, struct failure *failure) {
  bool good = *bundle == '/' && strlen(bundle) <= BUNDLE_MOST && strstr(bundle, "/../") == NULL;
  return good || fail(failure, INVALID_ARGUMENT, "Cannot use bundle \"%.256s\": it must be an absolute path", bundle);
}
