/* gate_newer.c: words by which a query shows that it is written in a newer grammar than the
 * library's, which is PostgreSQL 15's. */
#include <string.h>
#include <strings.h>

#include "sql/gate.h"
#include "sql/gate_names.h"

#include "base/banned.h"

enum { LIBRARY = 15, LONGEST = 16 };

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

/* --- a scanner that knows no more than where strings, comments and quoted names end ---------- */

typedef struct {
    const char *at, *end;
    char word[LONGEST]; /* lower case; "(" and other marks are words of one character */
} scanner;

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Behind the closing `quote`; doubled ones do not close. */
static const char *skip_quoted(const char *at, const char *end, char quote, bool escapes) {
    for (at++; at < end; at++) {
        if (escapes && *at == '\\' && at + 1 < end)
            at++;
        else if (*at == quote && at + 1 < end && at[1] == quote)
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return end;
}

static const char *skip_comment(const char *at, const char *end) {
    unsigned depth = 1;
    for (at += 2; at + 1 < end && depth; at++) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at++;
        } else if (at[0] == '*' && at[1] == '/') {
            depth--;
            at++;
        }
    }
    return depth ? end : at;
}

/* $tag$ … $tag$; where it is none, one character. */
static const char *skip_dollar(const char *at, const char *end) {
    const char *tag = at + 1;
    while (tag < end && (is_letter(*tag) || is_digit(*tag)))
        tag++;
    if (tag >= end || *tag != '$')
        return at + 1;
    size_t size = (size_t)(tag + 1 - at);
    for (const char *p = tag + 1; p + size <= end; p++) {
        if (memcmp(p, at, size) == 0)
            return p + size;
    }
    return end;
}

static void take_word(scanner *s) {
    size_t n = 0;
    for (; s->at < s->end && (is_letter(*s->at) || is_digit(*s->at)); s->at++) {
        char c = *s->at;
        if (n + 1 < sizeof s->word)
            s->word[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    s->word[n] = '\0';
}

/* The next word or mark; false at the end. Strings and quoted names are the mark '. */
static bool next(scanner *s) {
    while (s->at < s->end) {
        char c = *s->at;
        bool two = s->at + 1 < s->end;
        if (two && c == '-' && s->at[1] == '-') {
            while (s->at < s->end && *s->at != '\n')
                s->at++;
        } else if (two && c == '/' && s->at[1] == '*') {
            s->at = skip_comment(s->at, s->end);
        } else if (c == '\'' || c == '"') {
            bool escapes = s->word[0] == 'e' && s->word[1] == '\0';
            s->at = skip_quoted(s->at, s->end, c, escapes);
            memcpy(s->word, "'", 2);
            return true;
        } else if (c == '$') {
            s->at = skip_dollar(s->at, s->end);
        } else if (is_letter(c) || is_digit(c)) {
            take_word(s);
            return true;
        } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
            s->at++;
        } else {
            s->at++;
            s->word[0] = c;
            s->word[1] = '\0';
            return true;
        }
    }
    return false;
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
    scanner s = { .at = text, .end = text + size };
    char before[2][LONGEST] = { "", "" }; /* the word before the last, the last */
    int version = server_version_num / 10000;
    if (size > NL_SQL_MAX_BYTES || memchr(text, '\0', size) || !nl_utf8_valid(text, size))
        return NULL;
    while (version > LIBRARY && next(&s)) {
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
        memcpy(before[0], before[1], LONGEST);
        memcpy(before[1], s.word, LONGEST);
    }
    return NULL;
}
