// Functions of glibc that its headers show only to those who ask for GNU extensions, which Swift's Glibc module does not.
#include <spawn.h>

int pipe2(int descriptors[2], int flags);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest);
