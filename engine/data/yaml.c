#include "data/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/arena.h"

#include "base/banned.h"

enum { MAX_DEPTH = 64, MAX_NODES = 100000 };

struct nl_yaml {
    nl_arena arena;
    nl_yaml_node *root;
};

struct builder {
    nl_yaml *yaml;
    yaml_document_t *document;
    const char *name;
    unsigned nodes; /* made so far, aliases expanded */
    nl_err *err;
};

static void *take(struct builder *b, size_t size) {
    void *at = nl_arena_take(&b->yaml->arena, size);
    if (!at)
        nl_err_nomem(b->err);
    return at;
}

static const char *keep(struct builder *b, const char *text, size_t size) {
    char *copy = nl_arena_copy(&b->yaml->arena, text, size);
    if (!copy)
        nl_err_nomem(b->err);
    return copy;
}

/* --- plain scalars, by the YAML 1.2 core schema --------------------------------------------- */

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

static bool reads_as_int(const char *text, int64_t *value) {
    static const char hex[] = "0123456789abcdefABCDEF", octal[] = "01234567",
                      decimal[] = "0123456789";
    const char *digits = text + (*text == '-' || *text == '+'), *allowed = decimal;
    int base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'o')) { /* the core schema knows no -0x */
        base = text[1] == 'x' ? 16 : 8;
        allowed = base == 16 ? hex : octal;
        text = digits = text + 2;
    }
    if (*digits == '\0' || digits[strspn(digits, allowed)] != '\0')
        return false; /* strtoll alone takes spaces, signs and a second 0x */
    errno = 0;
    *value = strtoll(text, NULL, base);
    return errno == 0;
}

static bool reads_as_float(const char *text, double *value) {
    static const char *const infinite[] = {
        ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL
    };
    static const char *const below[] = { "-.inf", "-.Inf", "-.INF", NULL };
    static const char *const nan_words[] = { ".nan", ".NaN", ".NAN", NULL };
    char *end;
    if (is_one_of(text, infinite)) {
        *value = (double)INFINITY;
    } else if (is_one_of(text, below)) {
        *value = -(double)INFINITY;
    } else if (is_one_of(text, nan_words)) {
        *value = (double)NAN;
    } else {
        if (strspn(text, "+-0123456789.eE_") != strlen(text) || strpbrk(text, "0123456789") == NULL)
            return false;
        *value = strtod(text, &end);
        return *end == '\0';
    }
    return true;
}

static void resolve_plain(nl_yaml_node *node) {
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const trues[] = { "true", "True", "TRUE", NULL };
    static const char *const falses[] = { "false", "False", "FALSE", NULL };
    if (is_one_of(node->text, nulls)) {
        node->type = NL_YAML_NULL;
    } else if (is_one_of(node->text, trues) || is_one_of(node->text, falses)) {
        node->type = NL_YAML_BOOL;
        node->integer = is_one_of(node->text, trues);
    } else if (reads_as_int(node->text, &node->integer)) {
        node->type = NL_YAML_INT;
        node->number = (double)node->integer;
    } else if (reads_as_float(node->text, &node->number)) {
        node->type = NL_YAML_FLOAT;
    } else {
        node->type = NL_YAML_STRING;
    }
}

/* --- the tree ----------------------------------------------------------------------------- */

static bool fail_at(struct builder *b, const yaml_mark_t *mark, const char *what) {
    return nl_err_set(b->err, NL_CONFIG, "%s:%zu:%zu: %s", b->name, mark->line + 1,
                      mark->column + 1, what);
}

static nl_yaml_node *build(struct builder *b, const yaml_node_t *from, unsigned depth);

static bool build_list(struct builder *b, const yaml_node_t *from, nl_yaml_node *node,
                       unsigned depth) {
    const nl_yaml_node **last = &node->child;
    const yaml_node_item_t *item = from->data.sequence.items.start;
    for (; item < from->data.sequence.items.top; item++) {
        nl_yaml_node *child = build(b, yaml_document_get_node(b->document, *item), depth + 1);
        if (!child)
            return false;
        *last = child;
        last = &child->next;
    }
    return true;
}

static bool check_duplicate(struct builder *b, const nl_yaml_node *node, const yaml_node_t *key) {
    for (const nl_yaml_node *c = node->child; c; c = c->next) {
        if (strcmp(c->key, (const char *)key->data.scalar.value) == 0) {
            return nl_err_set(
                b->err, NL_CONFIG, "%s:%zu:%zu: \"%s\" is here twice (first in line %u)", b->name,
                key->start_mark.line + 1, key->start_mark.column + 1, c->key, c->key_line);
        }
    }
    return true;
}

static bool build_map(struct builder *b, const yaml_node_t *from, nl_yaml_node *node,
                      unsigned depth) {
    const nl_yaml_node **last = &node->child;
    const yaml_node_pair_t *pair = from->data.mapping.pairs.start;
    for (; pair < from->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(b->document, pair->key);
        if (key->type != YAML_SCALAR_NODE)
            return fail_at(b, &key->start_mark, "a key must be plain text");
        if (!check_duplicate(b, node, key))
            return false;
        nl_yaml_node *child = build(b, yaml_document_get_node(b->document, pair->value), depth + 1);
        if (!child)
            return false;
        child->key = keep(b, (const char *)key->data.scalar.value, key->data.scalar.length);
        if (!child->key)
            return false;
        child->key_line = (unsigned)key->start_mark.line + 1;
        child->key_column = (unsigned)key->start_mark.column + 1;
        *last = child;
        last = &child->next;
    }
    return true;
}

static nl_yaml_node *build(struct builder *b, const yaml_node_t *from, unsigned depth) {
    if (depth > MAX_DEPTH || ++b->nodes > MAX_NODES) {
        fail_at(b, &from->start_mark,
                depth > MAX_DEPTH ? "nested too deep" : "too large (aliases expanded)");
        return NULL;
    }
    nl_yaml_node *node = take(b, sizeof *node);
    if (!node)
        return NULL;
    node->line = (unsigned)from->start_mark.line + 1;
    node->column = (unsigned)from->start_mark.column + 1;
    switch (from->type) {
    case YAML_SEQUENCE_NODE:
        node->type = NL_YAML_LIST;
        return build_list(b, from, node, depth) ? node : NULL;
    case YAML_MAPPING_NODE:
        node->type = NL_YAML_MAP;
        return build_map(b, from, node, depth) ? node : NULL;
    default:
        node->text_size = from->data.scalar.length;
        node->text = keep(b, (const char *)from->data.scalar.value, node->text_size);
        if (!node->text)
            return NULL;
        node->type = NL_YAML_STRING;
        if (from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
            strlen(node->text) == node->text_size)
            resolve_plain(node);
        return node;
    }
}

static void explain(const yaml_parser_t *parser, const char *name, nl_err *err) {
    const char *problem = parser->problem ? parser->problem : "cannot be read";
    /* libyaml's composer says nothing at all where memory runs out */
    if (parser->error == YAML_MEMORY_ERROR || parser->error == YAML_NO_ERROR)
        nl_err_nomem(err);
    else if (parser->error == YAML_READER_ERROR)
        nl_err_set(err, NL_CONFIG, "%s: byte %zu: %s", name, parser->problem_offset, problem);
    else
        nl_err_set(err, NL_CONFIG, "%s:%zu:%zu: %s%s%s", name, parser->problem_mark.line + 1,
                   parser->problem_mark.column + 1, problem, parser->context ? " " : "",
                   parser->context ? parser->context : "");
}

/* True where nothing but white space and comments follows the first document. */
static bool is_last(yaml_parser_t *parser, const char *name, nl_err *err) {
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) {
        explain(parser, name, err);
        return false;
    }
    yaml_node_t *root = yaml_document_get_root_node(&second);
    if (root)
        nl_err_set(err, NL_CONFIG, "%s:%zu:%zu: a second document; one was expected", name,
                   root->start_mark.line + 1, root->start_mark.column + 1);
    yaml_document_delete(&second);
    return root == NULL;
}

nl_yaml *nl_yaml_read(const char *text, size_t size, const char *name, nl_err *err) {
    yaml_parser_t parser;
    yaml_document_t document;
    struct builder b = { .name = name, .document = &document, .err = err };
    bool loaded = false, ok = false;

    if (!yaml_parser_initialize(&parser)) {
        nl_err_nomem(err);
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    b.yaml = calloc(1, sizeof *b.yaml);
    if (!b.yaml) {
        nl_err_nomem(err);
        goto out;
    }
    loaded = yaml_parser_load(&parser, &document) != 0;
    if (!loaded) {
        explain(&parser, name, err);
        goto out;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    if (root) {
        b.yaml->root = build(&b, root, 0);
        ok = b.yaml->root && is_last(&parser, name, err);
    } else {
        b.yaml->root = take(&b, sizeof *b.yaml->root);
        if (b.yaml->root)
            b.yaml->root->line = b.yaml->root->column = 1;
        ok = b.yaml->root != NULL;
    }
out:
    if (loaded)
        yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    if (!ok) {
        nl_yaml_free(b.yaml);
        return NULL;
    }
    return b.yaml;
}

void nl_yaml_free(nl_yaml *yaml) {
    if (!yaml)
        return;
    nl_arena_release(&yaml->arena);
    free(yaml);
}

const nl_yaml_node *nl_yaml_root(const nl_yaml *yaml) {
    return yaml->root;
}
