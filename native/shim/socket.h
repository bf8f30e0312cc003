#ifndef BERTH_SHIM_SOCKET_H
#define BERTH_SHIM_SOCKET_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/failure.h"
#include "flags.h"

enum { SOCKET_PATH_SIZE = sizeof((struct sockaddr_un *)NULL)->sun_path };

/*
 * Where the shim of a group listens: a digest of the daemon's address, the namespace and the group in `directory`, or in
 * containerd's own where none was asked for. `ctr shim` finds it there, as it finds the Go shim.
 */
bool socket_path(const struct flags *flags, const char *group, const char *directory, char path[SOCKET_PATH_SIZE], struct failure *failure);

/* Listens there for its owner alone; the directory is made. */
bool socket_listen(const char *path, int *listener, struct failure *failure);

/*
 * The same, but where somebody listens already *listener is -1: the shim of the group. A path that a dead shim has left is
 * taken over. Of several that come at once one listens.
 */
bool socket_claim(const char *path, int *listener, struct failure *failure);

/* Removes the path if it is a socket at which nobody listens any more: what a shim that was killed has left. */
void socket_clear(const char *path);

/* Removes the path if it is still that socket and not one that somebody else has made there since. */
void socket_remove(const char *path, const struct stat *made);

#endif
