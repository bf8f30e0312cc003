#ifndef BERTH_SHIM_ID_MAP_H
#define BERTH_SHIM_ID_MAP_H

/*
 * Mounts that show other owners than the files have, as a container in a user namespace needs them. Ranges of ids are
 * those of mount options: "container:host:size", several joined by commas.
 */

/* A user namespace with these ranges, which lives as long as the descriptor; or -errno. */
int id_map_open(const char *uids, const char *gids);

/* Attaches a copy of the tree at `source`, shifted, over `target`. 0 or -errno. */
int id_map_mount(const char *source, const char *target, int user_namespace, int read_only);

#endif
