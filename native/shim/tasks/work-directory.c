#include "work-directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

int file_copy(const char *from, const char *to) {
  int input = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int output = input < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  int error = output < 0 ? -errno : 0;
  ssize_t count = 1;
  while (error == 0 && count > 0)
    if ((count = sendfile(output, input, NULL, PIECE)) < 0) error = -errno;
  if (input >= 0) close(input);
  if (output >= 0) close(output);
  return error;
}

void directory_remove(const char *path) {
  DIR *directory = opendir(path);
  if (directory == NULL) return;
  struct dirent *entry;
  while ((entry = readdir(directory)) != NULL)
    if (entry->d_name[0] != '.') (void)unlinkat(dirfd(directory), entry->d_name, 0);
  closedir(directory);
  (void)rmdir(path);
}
