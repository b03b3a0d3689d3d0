/* result.h: an answer, made from the JSON that scripts/nlsql/ask.lua returned. */
#ifndef NL_CLI_RESULT_H
#define NL_CLI_RESULT_H

#include <nlsql.h>

#include "base/buf.h"

/* The result with exit code `code`. The bytes of `answer` are taken over where it is not empty;
 * `why` (copied) is the reason where the answer has none. NULL where memory ran out. Of an answer
 * that is none (scripts can be edited) that is said, and the code is NLSQL_RUN_ERROR. */
nlsql_result *engine_result(int code, nl_buf *answer, const char *why);

#endif
