/* audit.h: what must be true of a store and its dataset, whenever their process was killed. Looks
 * from outside: through SQLite itself, at the file, and at the endpoint's own log. */
#ifndef NL_TESTS_SOAK_AUDIT_H
#define NL_TESTS_SOAK_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "data/dedup.h"

struct audit {
    char store[128], log[96], dataset[160];
    unsigned version;
    nl_buf lines;       /* of this version's entries, as they were at the last look */
    nl_dedup *answered; /* requests of this version whose reply was committed then */
    size_t log_at;      /* bytes of the log seen then */
    long long ledger, openings;
    /* counted over all rounds */
    size_t entries, asked, torn, behind, outstanding;
    char fault[512]; /* the first that was found */
};

void audit_init(struct audit *audit, const char *work, const char *log);
void audit_release(struct audit *audit);
/* From here on another version of the run is worked on. */
void audit_next(struct audit *audit, unsigned version);

/* With the process gone. `ended`: by itself, so that the file must be whole. False with `fault`. */
bool audit_look(struct audit *audit, bool ended);

/* Are the two files the same, byte for byte, and not empty? */
bool audit_same(struct audit *audit, const char *a, const char *b);

#endif
