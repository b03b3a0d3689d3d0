#include "sql/gate_scan.h"

#include <string.h>

#include "base/banned.h"

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
    if (tag < end && is_digit(*tag)) /* a parameter */
        return tag;
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

static bool is_in_word(const nl_scan *s, bool name, bool *point) {
    char c = *s->at;
    if (is_letter(c) || is_digit(c))
        return true;
    if (name)
        return c == '$'; /* a$b$ is one, and 1$ is none */
    bool first = c == '.' && !*point;
    *point = true;
    return first; /* "1. INTO x" is a number and a word: no field of anything */
}

static void take_word(nl_scan *s) {
    size_t n = 0;
    bool name = is_letter(*s->at), point = false;
    s->kind = NL_SCAN_WORD;
    for (; s->at < s->end && is_in_word(s, name, &point); s->at++) {
        char c = *s->at;
        s->cut = n + 1 == sizeof s->word;
        if (!s->cut)
            s->word[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    s->word[n] = '\0';
}

/* A string, or a quoted name without its quotes. Only an e that touches it makes backslashes
 * escape: one before a space is a type's name. */
static void take_quoted(nl_scan *s) {
    const char *from = s->at + 1, *c;
    bool touches = s->kind == NL_SCAN_WORD && (s->at[-1] == 'e' || s->at[-1] == 'E');
    bool escapes = touches && strcmp(s->word, "e") == 0 && *s->at == '\'';
    size_t n = 0;
    s->kind = *s->at == '"' ? NL_SCAN_NAME : NL_SCAN_STRING;
    s->at = skip_quoted(s->at, s->end, *s->at, escapes);
    for (c = from; s->kind == NL_SCAN_NAME && c + 1 < s->at && !s->cut; c++) {
        s->cut = n + 1 == sizeof s->word;
        if (!s->cut)
            s->word[n++] = *c;
        if (*c == '"')
            c++; /* a doubled one */
    }
    s->word[n] = '\0';
}

bool nl_scan_next(nl_scan *s) {
    s->cut = false;
    while (s->at < s->end) {
        char c = *s->at;
        bool two = s->at + 1 < s->end;
        if (two && c == '-' && s->at[1] == '-') {
            while (s->at < s->end && *s->at != '\n' && *s->at != '\r')
                s->at++;
        } else if (two && c == '/' && s->at[1] == '*') {
            s->at = skip_comment(s->at, s->end);
        } else if (c == '\'' || c == '"') {
            take_quoted(s);
            return true;
        } else if (c == '$') {
            s->at = skip_dollar(s->at, s->end);
            s->kind = NL_SCAN_STRING;
            s->word[0] = '\0';
            return true;
        } else if (is_letter(c) || is_digit(c)) {
            take_word(s);
            return true;
        } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
            s->at++;
        } else {
            s->at++;
            s->kind = NL_SCAN_MARK;
            s->word[0] = c;
            s->word[1] = '\0';
            return true;
        }
    }
    return false;
}
