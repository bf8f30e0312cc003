#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_there(struct console *console) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", console->path);
  console->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (console->listener < 0) return -errno;
  if (bind(console->listener, (struct sockaddr *)&address, sizeof address) < 0) return -errno;
  return listen(console->listener, 1) < 0 ? -errno : 0;
}

int console_open(struct console *console, const char *bundle) {
  *console = (struct console){ .listener = -1, .bundle = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC) };
  if (console->bundle < 0) return -errno;
  (void)snprintf(console->name, sizeof console->name, "pty-%d-%d.sock", getpid(), console->bundle);
  (void)snprintf(console->path, sizeof console->path, "/proc/%d/fd/%d/%s", getpid(), console->bundle, console->name);
  (void)unlinkat(console->bundle, console->name, 0);
  int error = listen_there(console);
  if (error < 0) console_close(console);
  return error;
}

/* The one descriptor of a message; -EBADMSG for anything else. */
static int take(struct msghdr *message) {
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return -EBADMSG;
  int fds[8], master = -1;
  size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
  if (count > 8) count = 8;
  memcpy(fds, CMSG_DATA(header), count * sizeof *fds);
  for (size_t i = 0; i < count; i++) {
    if (count == 1) master = fds[i];
    else close(fds[i]);
  }
  return master < 0 ? -EBADMSG : master;
}

int console_receive(const struct console *console) {
  char name[4096], control[CMSG_SPACE(8 * sizeof(int))];
  struct iovec bytes = { .iov_base = name, .iov_len = sizeof name };
  struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
  int peer = accept4(console->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (peer < 0) return -errno;
  ssize_t length = recvmsg(peer, &message, MSG_CMSG_CLOEXEC);
  int master = length < 0 ? -errno : take(&message);
  close(peer);
  if (master < 0 || isatty(master)) return master;
  close(master);
  return -ENOTTY;
}

void console_close(struct console *console) {
  if (console->listener >= 0) close(console->listener);
  if (console->bundle >= 0) {
    (void)unlinkat(console->bundle, console->name, 0);
    close(console->bundle);
  }
  console->listener = console->bundle = -1;
}
