/* world.h: what a kill round works with: a folder, a database, an endpoint, and the program itself,
 * each a real process that may be killed at any moment. What cannot be had ends the program. */
#ifndef NL_TESTS_SOAK_WORLD_H
#define NL_TESTS_SOAK_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "db/cluster.h"

enum disk { DISK_WHOLE, DISK_TMPFS, DISK_LIMIT };

struct world {
    char dir[64], work[80]; /* the second is where the program runs */
    char log[80];           /* of the endpoint's requests */
    nl_cluster *cluster;
    char url[512];
    pid_t endpoint;
    unsigned port;
    enum disk disk;
    uint64_t random;
};

/* `disk`: the work folder's is to be one that can be full. */
void world_make(struct world *world, uint64_t seed, bool disk);
/* `keep`: its folder stays, to be looked at. */
void world_end(struct world *world, bool keep);

/* 0 to n - 1. */
unsigned world_random(struct world *world, unsigned n);
void world_nap(unsigned ms);
double world_seconds(void);

/* Starts `nlsql run joins` as run version `version`; `replay`: with --replay. */
pid_t world_run(const struct world *world, unsigned version, bool replay);
/* Waits up to `ms`. True where it ended; *status is its exit code, or 128 and the signal. */
bool world_wait(pid_t pid, unsigned ms, int *status);
/* What it said on standard error; the caller frees it. */
char *world_said(const struct world *world);

/* The endpoint is killed, and is there again on the same port after so long. */
void world_restart_endpoint(struct world *world, unsigned ms);
/* All sessions of the database are cut; it recovers as after a crash, which takes a moment. */
void world_restart_database(const struct world *world);
/* Leaves room for so many more bytes; 0: as many as there are. `pid`: whom a limit is set for. */
void world_squeeze(const struct world *world, pid_t pid, size_t bytes);

_Noreturn void world_give_up(const char *what, const char *why);

#endif
