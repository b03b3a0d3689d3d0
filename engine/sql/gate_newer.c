/* gate_newer.c: words by which a query shows that it is written in a newer grammar than the
 * library's, which is PostgreSQL 15's. */
#include <string.h>
#include <strings.h>

#include "sql/gate.h"
#include "sql/gate_names.h"
#include "sql/gate_scan.h"

#include "base/banned.h"

enum { LIBRARY = 15 };

/* Forms that look like calls, by the version that brought them. */
static const struct {
    const char *word, *shown;
    int since;
} forms[] = {
    { "json_array", "JSON_ARRAY", 16 },
    { "json_arrayagg", "JSON_ARRAYAGG", 16 },
    { "json_object", "JSON_OBJECT", 16 },
    { "json_objectagg", "JSON_OBJECTAGG", 16 },
    { "json_exists", "JSON_EXISTS", 17 },
    { "json_query", "JSON_QUERY", 17 },
    { "json_scalar", "JSON_SCALAR", 17 },
    { "json_serialize", "JSON_SERIALIZE", 17 },
    { "json_table", "JSON_TABLE", 17 },
    { "json_value", "JSON_VALUE", 17 },
    { "json", "JSON(…)", 17 },
};

const char *nl_sql_newer_function(const char *name, int server_version_num) {
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcasecmp(forms[i].word, name) == 0)
            return server_version_num / 10000 >= forms[i].since ? forms[i].shown : NULL;
    }
    return NULL;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* 1_000, 0x1F, 0o17, 0b11: junk behind a number, before version 16. */
static bool is_new_number(const char *word) {
    if (!is_digit(word[0]))
        return false;
    if (word[0] == '0' && word[1] && strchr("xob", word[1]))
        return true;
    for (const char *c = word; *c; c++) {
        if (*c == '_' && is_digit(c[1]))
            return true;
    }
    return false;
}

const char *nl_sql_newer(const char *text, size_t size, int server_version_num) {
    nl_scan s = { .at = text, .end = text + size };
    char before[2][NL_SCAN_LONGEST] = { "", "" }; /* the word before the last, the last */
    int version = server_version_num / 10000;
    if (size > NL_SQL_MAX_BYTES || memchr(text, '\0', size) || !nl_utf8_valid(text, size))
        return NULL;
    while (version > LIBRARY && nl_scan_next(&s)) {
        if (s.kind == NL_SCAN_NAME || s.kind == NL_SCAN_STRING)
            memcpy(s.word, "'", 2);
        const char *form =
            strcmp(s.word, "(") == 0 ? nl_sql_newer_function(before[1], server_version_num) : NULL;
        bool is = strcmp(before[1], "is") == 0 ||
                  (strcmp(before[0], "is") == 0 && strcmp(before[1], "not") == 0);
        if (form)
            return form;
        if (is && strcmp(s.word, "json") == 0)
            return "IS JSON";
        if (version >= 17 && strcmp(before[1], "at") == 0 && strcmp(s.word, "local") == 0)
            return "AT LOCAL";
        if (is_new_number(s.word))
            return "a number with _ or in another base than ten";
        memcpy(before[0], before[1], NL_SCAN_LONGEST);
        memcpy(before[1], s.word, NL_SCAN_LONGEST);
    }
    return NULL;
}
