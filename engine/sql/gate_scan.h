/* gate_scan.h: the words of a query that no parser here can read. A scanner that knows no more than
 * where strings, comments and quoted names end, as PostgreSQL's own has it. Only for engine/sql. */
#ifndef NL_SQL_GATE_SCAN_H
#define NL_SQL_GATE_SCAN_H

#include <stdbool.h>

enum { NL_SCAN_LONGEST = 64 }; /* names are no longer in PostgreSQL, either */

typedef struct {
    const char *at, *end;
    enum { NL_SCAN_WORD, NL_SCAN_NAME, NL_SCAN_STRING, NL_SCAN_MARK } kind;
    char word[NL_SCAN_LONGEST]; /* a word in lower case, a quoted name as it is, a mark of one
                                 * character; nothing of a string */
    bool cut;                   /* it is longer than that */
} nl_scan;

/* The next one; false at the end. */
bool nl_scan_next(nl_scan *scan);

#endif
