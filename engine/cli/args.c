#include "cli/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/edit.h"
#include "data/json.h"

#include "base/banned.h"

static const nl_arg *find_arg(const nl_command *command, const char *name, size_t size) {
    for (const nl_arg *a = command->args; a->name; a++) {
        if (strlen(a->name) == size && memcmp(a->name, name, size) == 0)
            return a;
    }
    return NULL;
}

static const nl_arg *find_letter(const nl_command *command, char letter) {
    for (const nl_arg *a = command->args; a->name; a++) {
        if (a->letter == letter)
            return a;
    }
    return NULL;
}

static bool unknown(const nl_command *command, const char *name, size_t size, nl_err *err) {
    const char *nearest = NULL;
    size_t least = size / 3 + 2;
    for (const nl_arg *a = command->args; a->name; a++) {
        size_t d = nl_edit_distance(name, size, a->name, strlen(a->name));
        if (d < least) {
            least = d;
            nearest = a->name;
        }
    }
    if (nearest)
        return nl_err_set(err, NL_INVALID, "--%.*s is not an option of \"%s\" (did you mean --%s?)",
                          (int)size, name, command->name, nearest);
    return nl_err_set(err, NL_INVALID, "--%.*s is not an option of \"%s\" (see nlsql %s --help)",
                      (int)size, name, command->name, command->name);
}

static void put_key(nl_json_writer *w, const char *name) {
    char key[64];
    size_t n = 0;
    for (; name[n] && n + 1 < sizeof key; n++)
        key[n] = name[n] == '-' ? '_' : (char)tolower((unsigned char)name[n]);
    key[n] = '\0';
    nl_json_key(w, key);
}

static bool put_value(nl_json_writer *w, const nl_arg *arg, const char *value, nl_err *err) {
    char *end;
    errno = 0;
    switch (arg->kind) {
    case NL_ARG_INT: {
        long long n = strtoll(value, &end, 10);
        if (errno || end == value || *end)
            return nl_err_set(err, NL_INVALID, "--%s: expected a whole number, found \"%s\"",
                              arg->name, value);
        put_key(w, arg->name);
        nl_json_put_int(w, n);
        return true;
    }
    case NL_ARG_NUMBER: {
        double n = strtod(value, &end);
        if (errno || end == value || *end || n != n)
            return nl_err_set(err, NL_INVALID, "--%s: expected a number, found \"%s\"", arg->name,
                              value);
        put_key(w, arg->name);
        nl_json_put_double(w, n);
        return true;
    }
    default:
        put_key(w, arg->name);
        nl_json_str(w, value);
        return true;
    }
}

/* What argv says, before it is written: lists are gathered, the last of the others counts. */
struct given {
    const nl_arg *arg;
    const char *value;
};

static bool take_option(const nl_command *command, int argc, char **argv, int *i,
                        struct given *given, nl_err *err) {
    const char *word = argv[*i], *name, *value = NULL;
    const nl_arg *arg;
    if (word[1] == '-') {
        name = word + 2;
        const char *equals = strchr(name, '=');
        size_t size = equals ? (size_t)(equals - name) : strlen(name);
        arg = find_arg(command, name, size);
        if (!arg)
            return unknown(command, name, size, err);
        value = equals ? equals + 1 : NULL;
    } else {
        arg = find_letter(command, word[1]);
        if (!arg)
            return nl_err_set(err, NL_INVALID, "-%c is not an option of \"%s\"", word[1],
                              command->name);
        value = word[2] ? word + 2 : NULL;
    }
    if (arg->kind == NL_ARG_FLAG) {
        if (value)
            return nl_err_set(err, NL_INVALID, "--%s takes no value", arg->name);
    } else if (!value) {
        if (*i + 1 >= argc)
            return nl_err_set(err, NL_INVALID, "--%s needs a value: --%s %s", arg->name, arg->name,
                              arg->value);
        value = argv[++*i];
    }
    *given = (struct given){ arg, value };
    return true;
}

static bool write_given(nl_json_writer *w, const nl_command *command, const struct given *given,
                        size_t n, nl_err *err) {
    for (const nl_arg *a = command->args; a->name; a++) {
        const struct given *last = NULL;
        bool list = a->kind == NL_ARG_LIST, open = false;
        for (size_t i = 0; i < n; i++) {
            if (given[i].arg != a)
                continue;
            last = &given[i];
            if (list && !open) {
                put_key(w, a->name);
                nl_json_open_array(w);
                open = true;
            }
            if (list)
                nl_json_str(w, given[i].value);
        }
        if (open)
            nl_json_close_array(w);
        if (!last || list)
            continue;
        if (a->kind == NL_ARG_FLAG) {
            put_key(w, a->name);
            nl_json_put_bool(w, true);
        } else if (!put_value(w, a, last->value, err)) {
            return false;
        }
    }
    return true;
}

bool nl_args_read(const nl_command *command, int argc, char **argv, nl_buf *json, nl_err *err) {
    bool ok = false, options_over = false;
    size_t n = 0;
    const char *operand = NULL;
    nl_json_writer w;
    struct given *given = calloc((size_t)argc + 1, sizeof *given);

    if (!given)
        return nl_err_nomem(err);
    for (int i = 0; i < argc; i++) {
        if (!options_over && strcmp(argv[i], "--") == 0) {
            options_over = true;
        } else if (!options_over && argv[i][0] == '-' && argv[i][1]) {
            if (!take_option(command, argc, argv, &i, &given[n++], err))
                goto out;
        } else if (!command->operand || operand) {
            nl_err_set(err, NL_INVALID, "\"%s\" is one argument too many for \"%s\"", argv[i],
                       command->name);
            goto out;
        } else {
            operand = argv[i];
        }
    }
    nl_json_writer_init(&w, json);
    nl_json_open_object(&w);
    nl_json_key(&w, "command");
    nl_json_str(&w, command->name);
    if (operand) {
        const char *last_word = strrchr(command->operand, ' ');
        put_key(&w, last_word ? last_word + 1 : command->operand);
        nl_json_str(&w, operand);
    }
    if (!write_given(&w, command, given, n, err))
        goto out;
    nl_json_close_object(&w);
    ok = nl_json_writer_done(&w, err);
out:
    free(given);
    return ok;
}

void nl_args_help(const nl_command *command, FILE *out) {
    bool options = command->args->name != NULL; /* without any, what follows is the script's own */
    (void)fprintf(out, "usage: nlsql %s", command->name);
    if (command->operand)
        (void)fprintf(out, options ? " [%s]" : " %s", command->operand);
    (void)fprintf(out, " %s\n\n%s.\n", options ? "[options]" : "[ARGUMENT...]", command->summary);
    if (command->text)
        (void)fprintf(out, "\n%s\n", command->text);
    if (command->args->name)
        (void)fprintf(out, "\n");
    for (const nl_arg *a = command->args; a->name; a++) {
        char left[64];
        int n = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", a->letter ? '-' : ' ',
                         a->letter ? a->letter : ' ', a->letter ? ',' : ' ', a->name,
                         a->value ? " " : "", a->value ? a->value : "");
        (void)fprintf(out, "%-*s  %s\n", n < 28 ? 28 : n, left, a->help);
    }
}
