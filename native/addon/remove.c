/* Deletes a tree a piece at a time, with one descriptor however deep it is, and never beyond a mount. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addon.h"

struct removal {
  char path[PATH_SIZE];
  int budget;
};

enum { FINISHED = 0, MORE = 1 };
enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* Where the walk is. `child` is the directory that must be emptied before anything more can go. */
struct walk {
  int fd;
  int depth;
  int budget;
  dev_t device;
  char child[NAME_MAX + 1];
};

static void read_removal(struct arguments *in, void *request) {
  struct removal *removal = request;
  take_path(in, removal->path);
  removal->budget = take_int(in);
}

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/* Removes an entry, or notes it as the child to go into. */
static int remove_entry(struct walk *walk, const char *name) {
  if (unlinkat(walk->fd, name, 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return -errno;
  int error = errno;
  if (unlinkat(walk->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
  if (errno == ENOTDIR) return -error;
  if (errno != ENOTEMPTY && errno != EEXIST) return -errno;
  strcpy(walk->child, name);
  return 0;
}

/* Removes what can go from the directory, up to a child that is not empty or the end of the budget. */
static int empty_directory(struct walk *walk) {
  int copy = openat(walk->fd, ".", DIRECTORY);
  if (copy < 0) return -errno;
  DIR *entries = fdopendir(copy);
  if (entries == NULL) {
    int error = errno;
    close(copy);
    return -error;
  }
  int result = 0;
  walk->child[0] = '\0';
  while (result == 0 && walk->child[0] == '\0' && walk->budget > 0) {
    errno = 0;
    const struct dirent *entry = readdir(entries);
    if (entry == NULL) {
      result = -errno;
      break;
    }
    if (is_dots(entry->d_name)) continue;
    walk->budget--;
    result = remove_entry(walk, entry->d_name);
  }
  closedir(entries);
  return result;
}

static int move_to(struct walk *walk, const char *name) {
  int next = openat(walk->fd, name, DIRECTORY);
  if (next < 0) return -errno;
  struct stat status;
  int result = fstat(next, &status) == 0 ? 0 : -errno;
  if (result == 0 && status.st_dev != walk->device) result = -EBUSY;
  if (result != 0) {
    close(next);
    return result;
  }
  close(walk->fd);
  walk->fd = next;
  return 0;
}

/* Empties the directory of the walk and all below it. */
static int empty_tree(struct walk *walk) {
  while (walk->budget > 0) {
    int result = empty_directory(walk);
    if (result != 0) return result;
    if (walk->child[0] != '\0') {
      result = move_to(walk, walk->child);
      walk->depth++;
    } else if (walk->budget > 0) {
      if (walk->depth == 0) return FINISHED;
      result = move_to(walk, "..");
      walk->depth--;
    }
    if (result != 0) return result;
  }
  return MORE;
}

static int run_removal(void *request) {
  const struct removal *removal = request;
  if (removal->budget <= 0) return -EINVAL;
  struct walk walk = {.fd = open(removal->path, DIRECTORY), .budget = removal->budget};
  if (walk.fd < 0 && errno == ENOENT) return FINISHED;
  if (walk.fd < 0 && (errno == ENOTDIR || errno == ELOOP))
    return unlink(removal->path) == 0 || errno == ENOENT ? FINISHED : -errno;
  if (walk.fd < 0) return -errno;
  struct stat status;
  int result = fstat(walk.fd, &status) == 0 ? 0 : -errno;
  walk.device = status.st_dev;
  if (result == 0) result = empty_tree(&walk);
  close(walk.fd);
  if (result != FINISHED) return result;
  return rmdir(removal->path) == 0 || errno == ENOENT ? FINISHED : -errno;
}

const struct operation remove_operations[] = {
    {"removeSome", ASYNC, sizeof(struct removal), read_removal, run_removal, NULL},
    {0},
};
