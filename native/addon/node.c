/* mknod(2), which makes FIFOs, sockets and regular files too */
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "addon.h"

struct node_request {
  char path[PATH_SIZE];
  mode_t mode;
  unsigned major;
  unsigned minor;
};

/* makeNode(path, mode, major, minor): `mode` has the type bits; the umask does not apply to it. */
static void read_node(struct arguments *in, void *request) {
  struct node_request *node = request;
  take_path(in, node->path);
  node->mode = (mode_t)take_int(in);
  node->major = take_id(in);
  node->minor = take_id(in);
}

static int run_node(void *request) {
  const struct node_request *node = request;
  if (mknod(node->path, (node->mode & S_IFMT) | 0600, makedev(node->major, node->minor)) != 0) return -errno;
  return chmod(node->path, node->mode & 07777) == 0 ? 0 : -errno;
}

const struct operation node_operations[] = {
    {"makeNode", SYNC | ASYNC, sizeof(struct node_request), read_node, run_node, NULL},
    {0},
};
